// The files in Sources/Dashboard/Assets, embedded byte for byte. The compiler knows that it read them, so a change to one
// of them compiles this file again, within milliseconds.

#include "CDashboard.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char aggregators_js[] = {
#embed "../Dashboard/Assets/aggregators.js"
};
static const unsigned char announcer_js[] = {
#embed "../Dashboard/Assets/announcer.js"
};
static const unsigned char api_js[] = {
#embed "../Dashboard/Assets/api.js"
};
static const unsigned char app_js[] = {
#embed "../Dashboard/Assets/app.js"
};
static const unsigned char bars_js[] = {
#embed "../Dashboard/Assets/bars.js"
};
static const unsigned char bulk_js[] = {
#embed "../Dashboard/Assets/bulk.js"
};
static const unsigned char dashboard_css[] = {
#embed "../Dashboard/Assets/dashboard.css"
};
static const unsigned char dialog_js[] = {
#embed "../Dashboard/Assets/dialog.js"
};
static const unsigned char docs_css[] = {
#embed "../Dashboard/Assets/docs.css"
};
static const unsigned char docs_html[] = {
#embed "../Dashboard/Assets/docs.html"
};
static const unsigned char docs_js[] = {
#embed "../Dashboard/Assets/docs.js"
};
static const unsigned char dom_js[] = {
#embed "../Dashboard/Assets/dom.js"
};
static const unsigned char favicon_svg[] = {
#embed "../Dashboard/Assets/favicon.svg"
};
static const unsigned char format_js[] = {
#embed "../Dashboard/Assets/format.js"
};
static const unsigned char headway_js[] = {
#embed "../Dashboard/Assets/headway.js"
};
static const unsigned char index_html[] = {
#embed "../Dashboard/Assets/index.html"
};
static const unsigned char job_js[] = {
#embed "../Dashboard/Assets/job.js"
};
static const unsigned char line_js[] = {
#embed "../Dashboard/Assets/line.js"
};
static const unsigned char members_js[] = {
#embed "../Dashboard/Assets/members.js"
};
static const unsigned char openapi_json[] = {
#embed "../Dashboard/Assets/openapi.json"
};
static const unsigned char overview_js[] = {
#embed "../Dashboard/Assets/overview.js"
};
static const unsigned char pipelines_js[] = {
#embed "../Dashboard/Assets/pipelines.js"
};
static const unsigned char reasons_js[] = {
#embed "../Dashboard/Assets/reasons.js"
};
static const unsigned char theme_js[] = {
#embed "../Dashboard/Assets/theme.js"
};
static const unsigned char tokens_css[] = {
#embed "../Dashboard/Assets/tokens.css"
};

#define FILE_NAMED(text, bytes) { text, bytes, sizeof bytes }

static const struct CDashboardFile files[] = {
    FILE_NAMED("aggregators.js", aggregators_js),
    FILE_NAMED("announcer.js", announcer_js),
    FILE_NAMED("api.js", api_js),
    FILE_NAMED("app.js", app_js),
    FILE_NAMED("bars.js", bars_js),
    FILE_NAMED("bulk.js", bulk_js),
    FILE_NAMED("dashboard.css", dashboard_css),
    FILE_NAMED("dialog.js", dialog_js),
    FILE_NAMED("docs.css", docs_css),
    FILE_NAMED("docs.html", docs_html),
    FILE_NAMED("docs.js", docs_js),
    FILE_NAMED("dom.js", dom_js),
    FILE_NAMED("favicon.svg", favicon_svg),
    FILE_NAMED("format.js", format_js),
    FILE_NAMED("headway.js", headway_js),
    FILE_NAMED("index.html", index_html),
    FILE_NAMED("job.js", job_js),
    FILE_NAMED("line.js", line_js),
    FILE_NAMED("members.js", members_js),
    FILE_NAMED("openapi.json", openapi_json),
    FILE_NAMED("overview.js", overview_js),
    FILE_NAMED("pipelines.js", pipelines_js),
    FILE_NAMED("reasons.js", reasons_js),
    FILE_NAMED("theme.js", theme_js),
    FILE_NAMED("tokens.css", tokens_css),
};

const struct CDashboardFile *cdashboard_files(size_t *count) {
    *count = sizeof files / sizeof *files;
    return files;
}
