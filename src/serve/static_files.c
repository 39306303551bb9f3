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
EMBED(answer_style, "answer.css");
EMBED(page_script, "page.js");
EMBED(audience, "audience.js");
EMBED(charts, "charts.js");
EMBED(choices, "choices.js");
EMBED(compare, "compare.js");
EMBED(customer, "customer.js");
EMBED(elements, "elements.js");
EMBED(newcomer, "newcomer.js");
EMBED(numbers, "numbers.js");
EMBED(overview, "overview.js");
EMBED(panels, "panels.js");
EMBED(scale, "scale.js");
EMBED(segments, "segments.js");
EMBED(service, "service.js");
EMBED(tag, "tag.js");
EMBED(openapi, "openapi.json");

/* A script under its name. */
#define SCRIPT(file, name)                                                     \
	{                                                                      \
		"/" file, "text/javascript; charset=utf-8", web_##name,        \
			web_##name##_end                                       \
	}

const struct static_file *static_file_find(const char *path)
{
	static const struct static_file files[] = {
		{"/", "text/html; charset=utf-8", web_page, web_page_end},
		{"/style.css", "text/css; charset=utf-8", web_style,
		 web_style_end},
		{"/answer.css", "text/css; charset=utf-8", web_answer_style,
		 web_answer_style_end},
		SCRIPT("page.js", page_script),
		SCRIPT("audience.js", audience),
		SCRIPT("charts.js", charts),
		SCRIPT("choices.js", choices),
		SCRIPT("customer.js", customer),
		SCRIPT("elements.js", elements),
		SCRIPT("numbers.js", numbers),
		SCRIPT("overview.js", overview),
		SCRIPT("compare.js", compare),
		SCRIPT("newcomer.js", newcomer),
		SCRIPT("panels.js", panels),
		SCRIPT("scale.js", scale),
		SCRIPT("segments.js", segments),
		SCRIPT("service.js", service),
		SCRIPT("tag.js", tag),
		{"/openapi.json", "application/json", web_openapi,
		 web_openapi_end},
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	return NULL;
}
