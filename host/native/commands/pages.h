/* The pages that limpetd carries: build/page.html and build/chat.html, made into C by cmake/pages.cmake. */

#ifndef LIMPETD_PAGES_H
#define LIMPETD_PAGES_H

#include <stddef.h>

/* Empty where the pages were not there when limpetd was built. `…_policy`: script-src and style-src. */
extern const unsigned char page_html[], chat_html[];
extern const size_t page_html_size, chat_html_size;
extern const char page_html_policy[], chat_html_policy[];

#endif
