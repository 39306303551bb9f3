#include "explain/neighbours_json.h"

#include "explain/neighbours_tsv.h"

void neighbours_json_put_similarity(struct json_writer *writer,
				    double similarity)
{
	json_put_real(writer, "similarity", similarity,
		      NEIGHBOURS_SIMILARITY_DIGITS);
}

void neighbours_json_put_tied(struct json_writer *writer, size_t listed,
			      int64_t of)
{
	if (of == 0)
		return;
	json_put_object(writer, "tied");
	json_put_count(writer, "listed", listed);
	json_put_integer(writer, "of", of);
	json_put_end(writer);
}
