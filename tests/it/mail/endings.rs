//! The mail of certificates that end soon, word for word.

use probe::model::{Ending, EventKind, Notification};
use probe::render::mail;

use super::entries::{NIGHT, ending, english, entry};

fn letter(certificates: Vec<Ending>) -> mail::Letter {
    mail::compose(
        &entry(Notification {
            certificates,
            ..Notification::blank(EventKind::Certificate, NIGHT)
        }),
        &english(),
    )
}

#[test]
fn one_certificate() {
    let letter = letter(vec![ending("shop.example.com", 7)]);
    assert_eq!(
        letter.subject,
        "[CERT] shop.example.com: certificate expires in 6d 23h (2026-11-29)"
    );
    assert_eq!(
        letter.text,
        "\
The certificate for shop.example.com expires in 6d 23h, on 29 Nov 2026,
05:59:41 UTC.

The sites answer well until then. From that moment browsers turn visitors
away. Nothing is restarted for it.

What you can do
  Renew it where it was made (certbot, acme.sh, KUSANAGI, your authority),
  then reload the web server: one that was renewed on disk is not shown
  before that. If it renews itself, look why that has not happened yet.
  How it is now:
      probe status

What was seen
  shop.example.com: until 29 Nov 2026, 05:59:41 UTC, issued by “C=US,
  O=Let's Encrypt, CN=E7”, for shop.example.com, www.shop.example.com
  - shop: https://shop.example.com/

-- 
probe, 22 Nov 2026, 06:00:41 UTC
"
    );
    for word in ["CERT", "shop.example.com", "probe status"] {
        assert!(letter.html.contains(word), "{}", letter.html);
    }
}

#[test]
fn several_certificates() {
    let letter = letter(vec![
        ending("shop.example.com", 1),
        ending("blog.example.com", 7),
    ]);
    assert_eq!(
        letter.subject,
        "[CERT] shop.example.com and 1 more: certificates expire, the first in 23h 59m (2026-11-23)"
    );
    assert!(
        letter
            .text
            .contains("  - shop: https://blog.example.com/\n")
    );
}
