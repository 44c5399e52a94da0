/* Fuzzes what the HTTP server reads by itself: numbers, addresses, Host, Origin and token, /proc/PID/status. */
#include <stdlib.h>
#include <string.h>

#include "serve/access.h"
#include "serve/guard.h"
#include "serve/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *second;
	struct access_creds creds;
	int64_t number;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!number__parse(text, &number) && strtoll(text, NULL, 10) != number)
		abort();
	number__or_zero(text);
	number__address(text, size);
	access_creds__parse(text, &creds);
	second = strchr(text, '\n');
	if (second)
		*second++ = '\0';
	guard__host_is_own(text, second ? second : "");
	guard__site_is_own(NULL, text, second);
	if (second && *second && guard__token_is_right(text, second) &&
		strcmp(text + 7 + strspn(text + 7, " "), second))
		abort();
	free(text);
	return 0;
}
