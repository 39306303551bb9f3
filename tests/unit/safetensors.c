/* safetensors and safetensors_writer: what is written is read back; every
 * damaged byte and every cut is found; forged headers are refused. */
#include "model/safetensors.h"

#include <string.h>

#include "base/alloc.h"
#include "cases.h"
#include "model/safetensors_writer.h"

enum { CASES = 40, MAX_TENSORS = 6 };

/* What one case writes. */
struct content {
	struct tensor tensors[MAX_TENSORS];
	unsigned char *bytes[MAX_TENSORS];
	size_t sizes[MAX_TENSORS], count;
};

static struct content draw_content(void)
{
	struct content content = {.count = 1 + chance(MAX_TENSORS)};

	for (size_t i = 0; i < content.count; i++) {
		struct tensor *tensor = &content.tensors[i];

		snprintf(tensor->name, sizeof tensor->name, "t%zu.x", i);
		tensor->type = (enum dtype)chance(DTYPES);
		tensor->dims = 1 + (unsigned)chance(2);
		tensor->shape[0] = chance(40);
		tensor->shape[1] = tensor->dims == 1 ? 1 : chance(5);
		content.sizes[i] = tensor->shape[0] * tensor->shape[1] *
				   dtype_size(tensor->type);
		content.bytes[i] = alloc(content.sizes[i], 1);
		for (size_t b = 0; b < content.sizes[i]; b++)
			content.bytes[i][b] = (unsigned char)chance(256);
	}
	return content;
}

static void free_content(struct content *content)
{
	for (size_t i = 0; i < content->count; i++)
		free(content->bytes[i]);
}

/* The file, tensors put in pieces of random sizes. */
static struct output write_file(const struct content *content)
{
	json_t *metadata = json_object();
	struct tensor_writer writer;
	struct output output;

	output_memory(&output);
	metadata_set(metadata, "a.number", "%d", 7);
	metadata_set(metadata, "a.name", "%s", "na\xc3\xafve \"x\"");
	tensor_writer_begin(&writer, &output, metadata, content->tensors,
			    content->count);
	for (size_t i = 0; i < content->count; i++)
		for (size_t done = 0, size; done < content->sizes[i];
		     done += size) {
			size = 1 + chance(content->sizes[i] - done);
			tensor_writer_put(&writer, content->bytes[i] + done,
					  size);
		}
	tensor_writer_end(&writer);
	json_decref(metadata);
	return output;
}

/* The error of the file, of its header or of any tensor; "" for none. */
static const char *error_of(const unsigned char *bytes, size_t size)
{
	static char text[1024];
	struct safetensors file;
	const char *error = safetensors_read(&file, bytes, size);

	if (error == NULL)
		error = safetensors_verify_all(&file, 1);
	snprintf(text, sizeof text, "%s", error != NULL ? error : "");
	safetensors_free(&file);
	return text;
}

/* ------------------------------------------------------------ random files */

static int check_tensors(const struct content *content,
			 const struct safetensors *file)
{
	int failed = 0;

	for (size_t i = 0; i < content->count; i++) {
		const struct tensor *expected = &content->tensors[i], *found;
		const char *error = safetensors_need(
			file, expected->name, expected->type, expected->dims,
			expected->shape[0], expected->shape[1], &found);

		if (error != NULL)
			failed |= fail(error);
		else if (found->size != content->sizes[i] ||
			 memcmp(found->bytes, content->bytes[i], found->size))
			failed |= fail("other bytes than were written");
		else if (((const unsigned char *)found->bytes - file->bytes) %
				 TENSOR_ALIGNMENT !=
			 0)
			failed |= fail("a tensor is not aligned");
	}
	return failed;
}

/* A copy by tensor_writer_pass has the same bytes. */
static int check_copy(const struct safetensors *file)
{
	struct tensor tensors[MAX_TENSORS];
	struct tensor_writer writer;
	struct output copy;
	size_t count = safetensors_pass_on(file, tensors, 0);

	output_memory(&copy);
	tensor_writer_begin(&writer, &copy, file->metadata, tensors, count);
	for (size_t i = 0; i < count; i++)
		tensor_writer_pass(&writer, file, &tensors[i]);
	tensor_writer_end(&writer);
	int failed = copy.held != file->size ||
		     memcmp(copy.buffer, file->bytes, file->size) != 0;
	free(copy.buffer);
	return failed ? fail("a copy has other bytes") : 0;
}

static int check_metadata(const struct safetensors *file)
{
	const char *number = safetensors_option(file, "a.number");
	const char *name = safetensors_option(file, "a.name");

	if (number == NULL || strcmp(number, "7") != 0 || name == NULL ||
	    strcmp(name, "na\xc3\xafve \"x\"") != 0 ||
	    safetensors_option(file, "a.other") != NULL)
		return fail("other metadata than were written");
	return 0;
}

/* Any byte changed, any end cut off, anything added: an error. */
static int check_damage(const struct output *output)
{
	unsigned char *bytes = alloc(output->held + 1, 1);
	size_t size = output->held, step = 1 + size / 300;
	int failed = 0;

	memcpy(bytes, output->buffer, size);
	for (size_t i = chance(step); i < size; i += step) {
		unsigned char bit = (unsigned char)(1 << chance(8));
		bytes[i] ^= bit;
		if (error_of(bytes, size)[0] == '\0')
			failed |= fail("a changed byte is not found");
		bytes[i] ^= bit;
		if (error_of(bytes, i)[0] == '\0')
			failed |= fail("a cut is not found");
	}
	if (error_of(bytes, size + 1)[0] == '\0')
		failed |= fail("a byte after the end is not found");
	free(bytes);
	return failed;
}

static int run_case(void)
{
	struct content content = draw_content();
	struct output output = write_file(&content);
	struct safetensors file;
	const char *error = safetensors_read(&file, output.buffer, output.held);
	int failed = 0;

	if (error == NULL)
		error = safetensors_verify_all(&file, 3);
	if (error != NULL) {
		failed |= fail(error);
	} else {
		failed |= check_tensors(&content, &file);
		failed |= check_copy(&file);
		failed |= check_metadata(&file);
		failed |= check_damage(&output);
	}
	safetensors_free(&file);
	free(output.buffer);
	free_content(&content);
	return failed;
}

/* ---------------------------------------------------------- forged headers */

/* A file of one tensor, "a" of two F32, with a checksum that is right whatever
 * the header says: *size bytes, to be freed. */
static unsigned char *forge(const char *header, size_t *size)
{
	size_t length = (8 + strlen(header) + 63) / 64 * 64;
	unsigned char *bytes = alloc(length + 64 + 24, 1);

	*size = length + 64 + 24;
	tensor_put64(bytes, length - 8);
	memset(bytes + 8, ' ', length - 8);
	memcpy(bytes + 8, header, strlen(header));
	tensor_put64(bytes + length + 64, tensor_sum(bytes, length));
	tensor_put64(bytes + length + 72, tensor_sum(bytes + length, 8));
	tensor_put64(bytes + length + 80, tensor_sum(bytes + length + 8, 56));
	return bytes;
}

#define METADATA "\"__metadata__\":{\"format\":\"customer-similarity 1\"}"
#define TENSOR_A                                                               \
	"\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define PADDING                                                                \
	"\"pad.0\":{\"dtype\":\"U8\",\"shape\":[56],\"data_offsets\":[8,64]}"
#define SUMS                                                                   \
	"\"checksum\":{\"dtype\":\"U8\",\"shape\":[24],\"data_offsets\":[64,88]}"
#define A(dtype, shape, offsets)                                               \
	"{" METADATA ",\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape        \
	",\"data_offsets\":" offsets "}," PADDING "," SUMS "}"

/* Headers, and what is said of them. */
static const struct {
	const char *header, *error;
} forged[] = {
	{"{" METADATA "," TENSOR_A "," PADDING "," SUMS "}", ""},
	{A("F32", "[2]", "[0,8]"), ""},
	{A("F32", "[2,1]", "[0,8]"), ""},
	{A("U8", "[8]", "[0,8]"), ""},
	{"{" METADATA "," TENSOR_A "," PADDING "," SUMS, "no JSON"},
	{"[1]", "of another kind"},
	{"{" TENSOR_A "," PADDING "," SUMS "}", "of another kind"},
	{"{\"__metadata__\":{\"format\":\"other\"}," TENSOR_A "}",
	 "its format is \"other\""},
	{"{\"__metadata__\":{\"format\":1}," TENSOR_A "}", "is no string"},
	{"{" METADATA "}", "names no tensor"},
	{"{" METADATA "," TENSOR_A "," TENSOR_A "," PADDING "," SUMS "}",
	 "no JSON"},
	{"{" METADATA "," TENSOR_A "," PADDING "}", "it was added to"},
	{"{" METADATA "," TENSOR_A "," SUMS "}", "begins at byte 64"},
	{A("F16", "[2]", "[0,8]"), "has a dtype"},
	{A("F32", "[]", "[0,8]"), "one or two sizes"},
	{A("F32", "[1,1,2]", "[0,8]"), "one or two sizes"},
	{A("F32", "2", "[0,8]"), "one or two sizes"},
	{A("F32", "[2.0]", "[0,8]"), "whole numbers"},
	{A("F32", "[-2]", "[0,8]"), "whole numbers"},
	{A("F32", "[2]", "[0]"), "no range"},
	{A("F32", "[2]", "[8,0]"), "no range"},
	{A("F32", "[2]", "[-8,0]"), "no range"},
	{A("F32", "[2]", "[0,9]"), "do not fit its shape"},
	{A("F32", "[3]", "[0,8]"), "do not fit its shape"},
	{A("F32", "[4611686018427387904,4]", "[0,0]"), "do not fit its shape"},
	{A("F32", "[2]", "[4,12]"), "begins at byte"},
	{A("U8", "[1000]", "[0,1000]"), "it was cut"},
	{A("F64", "[1152921504606846976]", "[0,9223372036854775807]"),
	 "do not fit its shape"},
	{"{" METADATA ",\"a\":{\"dtype\":\"F32\",\"shape\":[2]}," PADDING
	 "," SUMS "}",
	 "lacks dtype"},
	{"{" METADATA ",\"a\":7," PADDING "," SUMS "}", "lacks dtype"},
	{"{" METADATA
	 ",\"a23456789a123456789a123456789a123\":{\"dtype\":\"F32\","
	 "\"shape\":[2],\"data_offsets\":[0,8]}," PADDING "," SUMS "}",
	 "too long a name"},
	{"{" METADATA "," TENSOR_A ",\"b\":{\"dtype\":\"U8\",\"shape\":[56],"
	 "\"data_offsets\":[8,64]}," SUMS "}",
	 "multiple of 64"},
	{"{" METADATA "," TENSOR_A "," PADDING ",\"checksum\":{\"dtype\":"
	 "\"F64\",\"shape\":[3],\"data_offsets\":[64,88]}}",
	 "not the checksum"},
	{"{" METADATA "," TENSOR_A "," PADDING ",\"sums\":{\"dtype\":\"U8\","
	 "\"shape\":[24],\"data_offsets\":[64,88]}}",
	 "not the checksum"},
};

static int check_forged(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
		size_t size;
		unsigned char *bytes = forge(forged[i].header, &size);
		const char *error = error_of(bytes, size);

		if ((forged[i].error[0] == '\0') != (error[0] == '\0') ||
		    strstr(error, forged[i].error) == NULL) {
			printf("%s: \"%s\", expected \"%s\"\n",
			       forged[i].header, error, forged[i].error);
			failed = 1;
		}
		free(bytes);
	}
	return failed;
}

/* Lengths of the header that no file has, and padding that is not zero. */
static int check_lengths(void)
{
	static const uint64_t lengths[] = {
		0, 1, 119, 1 << 20, (1 << 26) + 56, UINT64_MAX - 7, UINT64_MAX};
	size_t size;
	unsigned char *bytes = forge(forged[0].header, &size);
	uint64_t length = tensor_get64(bytes);
	int failed = 0;

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		tensor_put64(bytes, lengths[i]);
		if (error_of(bytes, size)[0] == '\0')
			failed |= fail("a wrong length is not found");
	}
	tensor_put64(bytes, length);
	unsigned char *end = bytes + 8 + length;
	end[63] = 1;
	tensor_put64(end + 80, tensor_sum(end + 8, 56));
	if (strstr(error_of(bytes, size), "pad.0 is not zero") == NULL)
		failed |= fail("padding that is not zero is not found");
	free(bytes);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = run_cases(argc, argv, CASES, run_case);

	return failed | check_forged() | check_lengths();
}
