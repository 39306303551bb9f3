#include "linalg/gram_follower.h"

#include "linalg/gram_matrix.h"
#include "linalg/ranks.h"

void gram_follower_run(const struct gram_operator *gram)
{
	struct gram_pass *passes[2] = {NULL, NULL};
	enum gram_command command;

	for (;;) {
		ranks_share(&command, sizeof command);
		if (command == GRAM_RELEASE)
			break;
		if (command == GRAM_MATRIX) {
			gram_matrix_assist(gram);
			continue;
		}
		struct gram_pass **pass = &passes[command];
		if (*pass == NULL)
			*pass = gram_pass_begin(
				gram, command == GRAM_SINGLE
					      ? &gram->set->single_precision
					      : &gram->set->double_precision);
		gram_pass_assist(*pass);
	}
	gram_pass_end(passes[0]);
	gram_pass_end(passes[1]);
}

void gram_follower_release(void)
{
	enum gram_command command = GRAM_RELEASE;

	if (ranks_count() > 1)
		ranks_share(&command, sizeof command);
}
