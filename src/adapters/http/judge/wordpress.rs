//! WordPress's own error pages, in English and Japanese, whatever their status.
//!
//! An article *about* an error must not take a site down, so a sentence counts only where the page is the error page:
//!
//! - inside the frame of WordPress's `wp_die()`: `class="wp-die-message"` or `<body id="error-page">`; or
//! - on a whole page of at most 400 visible characters, as `db-error.php`, `maintenance.php` and old versions make; or
//! - as the whole `<title>` or first `<h1>`, where the profile says that the site is WordPress (`cache_bypass: wordpress`).
//!
//! The sentences are those of WordPress's sources and of its Japanese translation; a final stop does not count.

use super::excerpt;
use super::signs::Signs;
use crate::model::Finding;

/// An error page of WordPress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// `dead_db()`: no connection to the database.
    Database,
    /// `WP_Fatal_Error_Handler`: PHP code of the site broke off.
    Fatal,
    /// `wp_maintenance()`: an update is under way; WordPress itself ends it after ten minutes.
    Maintenance,
}

impl Page {
    /// What has happened.
    pub(super) const fn finding(self) -> Finding {
        match self {
            Self::Database => Finding::WordPressDatabase,
            Self::Fatal => Finding::WordPressFatal,
            Self::Maintenance => Finding::WordPressMaintenance,
        }
    }
}

pub(super) const SENTENCES: [(&str, Page); 8] = [
    ("Error establishing a database connection", Page::Database),
    ("データベース接続確立エラー", Page::Database),
    // `… on this website` since 5.4, `… on your website` before, and longer ones that begin alike.
    ("There has been a critical error on", Page::Fatal),
    // Of 5.2.
    (
        "The site is experiencing technical difficulties",
        Page::Fatal,
    ),
    ("このサイトで重大なエラーが発生しました", Page::Fatal),
    ("サイトに重大なエラーがありました", Page::Fatal),
    (
        "Briefly unavailable for scheduled maintenance",
        Page::Maintenance,
    ),
    (
        "メンテナンス中のため、しばらくの間ご利用いただけません",
        Page::Maintenance,
    ),
];

/// Visible characters of a page that says nothing else.
const BARE: usize = 400;

/// Longest page that is looked at: the frame with its style sheet has under 4 KiB.
const LONGEST: usize = 64 * 1024;

/// Which error page this is; `signs` are those of `body`. `whole`: `body` is all of it. `expected`: the profile says that the
/// site is WordPress.
pub(super) fn recognise(body: &str, signs: &Signs, whole: bool, expected: bool) -> Option<Page> {
    if body.len() > LONGEST {
        return None;
    }
    let (sentence, page) = SENTENCES
        .into_iter()
        .find(|(sentence, _)| signs.has(sentence))?;
    let framed = body.contains("wp-die-message") || body.contains("<body id=\"error-page\"");
    let headed = || {
        ["title", "h1"]
            .iter()
            .filter_map(|name| excerpt::element(body, name))
            .any(|heading| heading.trim_end_matches(['.', '。', '!', ' ']) == sentence)
    };
    let bare = || whole && excerpt::visible_chars(body) <= BARE;
    (framed || bare() || expected && headed()).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::http::judge::SIGNS;

    fn recognise(body: &str, whole: bool, expected: bool) -> Option<Page> {
        super::recognise(body, &SIGNS.found_in(body), whole, expected)
    }

    /// As `_default_wp_die_handler()` writes it, the style sheet shortened.
    fn framed(title: &str, message: &str) -> String {
        format!(
            "<!DOCTYPE html>\n<html lang=\"ja\">\n<head>\n\t<meta http-equiv=\"Content-Type\" content=\"text/html; \
             charset=UTF-8\" />\n\t<title>{title}</title>\n\t<style type=\"text/css\">\n\t\thtml {{ background: #f1f1f1; \
             }}\n{}\t</style>\n</head>\n<body id=\"error-page\">\n\t<div class=\"wp-die-message\">{message}</div></body>\n</html>",
            "\t\t.button { color: #000; }\n".repeat(60)
        )
    }

    #[test]
    fn each_page_in_both_languages() {
        for (title, message, page) in [
            (
                "Database Error",
                "<h1>Error establishing a database connection</h1>",
                Page::Database,
            ),
            (
                "データベースエラー",
                "<h1>データベース接続確立エラー</h1>",
                Page::Database,
            ),
            (
                "WordPress &rsaquo; Error",
                "<p>There has been a critical error on this website.</p><p><a href=\"#\">Learn more</a></p>",
                Page::Fatal,
            ),
            (
                "WordPress &rsaquo; Error",
                "<p>There has been a critical error on your website.</p>",
                Page::Fatal,
            ),
            (
                "WordPress &rsaquo; エラー",
                "<p>このサイトで重大なエラーが発生しました。</p>",
                Page::Fatal,
            ),
            (
                "Maintenance",
                "Briefly unavailable for scheduled maintenance. Check back in a minute.",
                Page::Maintenance,
            ),
            (
                "メンテナンス",
                "現在メンテナンス中のため、しばらくの間ご利用いただけません。",
                Page::Maintenance,
            ),
        ] {
            assert_eq!(recognise(&framed(title, message), false, false), Some(page));
            let bare = format!("<title>{title}</title><body>{message}</body>");
            assert_eq!(recognise(&bare, true, false), Some(page), "{bare}");
            assert_eq!(recognise(&bare, false, false), None, "{bare}");
        }
    }

    #[test]
    fn an_article_about_an_error_is_no_error() {
        let article = format!(
            "<title>What “Error establishing a database connection” means</title><h1>Error establishing a database \
             connection, and what to do</h1><p>{}</p>",
            "Many people have seen it. ".repeat(50)
        );
        assert_eq!(recognise(&article, true, false), None);
        assert_eq!(recognise(&article, true, true), None);
        let custom = format!(
            "<h1> Error establishing a database connection. </h1><p>{}</p>",
            "We are sorry for that. ".repeat(50)
        );
        assert_eq!(recognise(&custom, true, false), None);
        assert_eq!(recognise(&custom, true, true), Some(Page::Database));
    }
}
