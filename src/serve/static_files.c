#include "serve/static_files.h"

#include <string.h>

/* The assembler puts the bytes of a file between two labels; the build runs
 * where src/ is. */
#define EMBED(name, file)                                                      \
	extern const unsigned char web_##name[], web_##name##_end[];           \
	__asm__(".pushsection .rodata\n"                                       \
		".global web_" #name "\nweb_" #name ":\n"                      \
		".incbin \"src/web/" file "\"\n"                               \
		".global web_" #name "_end\nweb_" #name "_end:\n"              \
		".byte 0\n.popsection\n")

EMBED(page, "index.html");
EMBED(style, "style.css");
EMBED(script, "page.js");
EMBED(openapi, "openapi.json");

const struct static_file *static_file_find(const char *path)
{
	static const struct static_file files[] = {
		{"/", "text/html; charset=utf-8", web_page, web_page_end},
		{"/style.css", "text/css; charset=utf-8", web_style,
		 web_style_end},
		{"/page.js", "text/javascript; charset=utf-8", web_script,
		 web_script_end},
		{"/openapi.json", "application/json", web_openapi,
		 web_openapi_end},
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	return NULL;
}
