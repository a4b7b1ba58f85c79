/* SPDX-License-Identifier: MIT */
/* musl's, but the letters are compared without a call for each of them; its locales have ASCII letters only, too. */
#include <locale.h>
#include <strings.h>

static inline unsigned lower(unsigned char c)
{
	return c - 'A' < 26u ? c | 32u : c;
}

int strcasecmp(const char *left, const char *right)
{
	const unsigned char *l = (const void *)left, *r = (const void *)right;
	for (; *l && (*l == *r || lower(*l) == lower(*r)); l++, r++)
		;
	return (int)lower(*l) - (int)lower(*r);
}

int __strcasecmp_l(const char *left, const char *right, locale_t locale)
{
	(void)locale;
	return strcasecmp(left, right);
}

weak_alias(__strcasecmp_l, strcasecmp_l);
