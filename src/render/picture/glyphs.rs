//! The few characters a picture needs, as strokes: figures, `:`, `.`, `s`, `m`, `h` and a space. Words stand in the mail
//! around the picture, so that no font is needed and every language reads the same picture.

use tiny_skia::{LineCap, LineJoin, Paint, PathBuilder, Pixmap, Stroke, Transform};

/// Height of a figure in the units below.
const HEIGHT: f32 = 14.0;

/// Space between two characters.
const GAP: f32 = 4.5;

type Line = &'static [(f32, f32)];

/// A character's width and its strokes; `y` runs downwards from the top of a figure.
fn strokes(character: char) -> (f32, &'static [Line]) {
    match character {
        '0' => (
            10.0,
            &[&[
                (3.0, 0.0),
                (7.0, 0.0),
                (9.5, 2.5),
                (10.0, 5.0),
                (10.0, 9.0),
                (9.5, 11.5),
                (7.0, 14.0),
                (3.0, 14.0),
                (0.5, 11.5),
                (0.0, 9.0),
                (0.0, 5.0),
                (0.5, 2.5),
                (3.0, 0.0),
            ]],
        ),
        '1' => (6.0, &[&[(1.0, 3.0), (4.5, 0.0), (4.5, 14.0)]]),
        '2' => (
            10.0,
            &[&[
                (0.3, 3.2),
                (1.5, 1.0),
                (3.5, 0.0),
                (6.5, 0.0),
                (9.0, 1.3),
                (9.8, 3.6),
                (9.0, 6.0),
                (0.0, 14.0),
                (10.0, 14.0),
            ]],
        ),
        '3' => (
            10.0,
            &[
                &[
                    (0.5, 2.0),
                    (2.5, 0.2),
                    (6.5, 0.0),
                    (9.0, 1.3),
                    (9.5, 3.4),
                    (8.7, 5.4),
                    (6.5, 6.5),
                    (4.0, 6.5),
                ],
                &[
                    (6.5, 6.5),
                    (9.2, 7.8),
                    (10.0, 10.2),
                    (9.2, 12.7),
                    (6.5, 14.0),
                    (3.0, 14.0),
                    (0.8, 12.8),
                    (0.0, 11.2),
                ],
            ],
        ),
        '4' => (
            10.5,
            &[&[(7.8, 14.0), (7.8, 0.0), (0.0, 10.0), (10.5, 10.0)]],
        ),
        '5' => (
            10.0,
            &[&[
                (9.0, 0.0),
                (1.4, 0.0),
                (0.8, 6.4),
                (3.5, 5.2),
                (6.5, 5.2),
                (9.2, 6.8),
                (10.0, 9.5),
                (9.2, 12.4),
                (6.5, 14.0),
                (3.0, 14.0),
                (0.8, 12.9),
                (0.0, 11.2),
            ]],
        ),
        '6' => (
            10.0,
            &[&[
                (9.0, 1.4),
                (6.8, 0.0),
                (4.4, 0.0),
                (1.6, 1.8),
                (0.2, 5.6),
                (0.0, 9.4),
                (0.9, 12.4),
                (3.5, 14.0),
                (6.5, 14.0),
                (9.2, 12.4),
                (10.0, 9.8),
                (9.2, 7.2),
                (6.6, 5.7),
                (3.5, 5.8),
                (1.0, 7.6),
                (0.1, 9.6),
            ]],
        ),
        '7' => (10.0, &[&[(0.0, 0.0), (10.0, 0.0), (3.8, 14.0)]]),
        '8' => (
            10.0,
            &[&[
                (3.4, 0.0),
                (6.6, 0.0),
                (8.8, 1.3),
                (9.4, 3.3),
                (8.7, 5.3),
                (6.6, 6.5),
                (3.4, 6.5),
                (0.9, 7.8),
                (0.0, 10.2),
                (0.9, 12.7),
                (3.4, 14.0),
                (6.6, 14.0),
                (9.1, 12.7),
                (10.0, 10.2),
                (9.1, 7.8),
                (6.6, 6.5),
                (3.4, 6.5),
                (1.3, 5.3),
                (0.6, 3.3),
                (1.2, 1.3),
                (3.4, 0.0),
            ]],
        ),
        '9' => (
            10.0,
            &[&[
                (1.0, 12.6),
                (3.2, 14.0),
                (5.6, 14.0),
                (8.4, 12.2),
                (9.8, 8.4),
                (10.0, 4.6),
                (9.1, 1.6),
                (6.5, 0.0),
                (3.5, 0.0),
                (0.8, 1.6),
                (0.0, 4.2),
                (0.8, 6.8),
                (3.4, 8.3),
                (6.5, 8.2),
                (9.0, 6.4),
                (9.9, 4.4),
            ]],
        ),
        ':' => (
            1.0,
            &[&[(0.5, 4.6), (0.5, 5.2)], &[(0.5, 12.6), (0.5, 13.2)]],
        ),
        '.' => (1.0, &[&[(0.5, 13.2), (0.5, 13.8)]]),
        's' => (
            7.6,
            &[&[
                (7.2, 6.4),
                (5.6, 5.1),
                (2.4, 5.0),
                (0.5, 6.2),
                (0.6, 8.0),
                (2.4, 9.0),
                (5.4, 9.8),
                (7.3, 10.9),
                (7.4, 12.6),
                (5.6, 13.9),
                (2.2, 14.0),
                (0.2, 12.7),
            ]],
        ),
        'm' => (
            12.4,
            &[
                &[(0.0, 5.0), (0.0, 14.0)],
                &[
                    (0.0, 7.4),
                    (1.6, 5.4),
                    (4.0, 5.0),
                    (5.7, 6.0),
                    (6.2, 8.0),
                    (6.2, 14.0),
                ],
                &[
                    (6.2, 7.8),
                    (7.8, 5.5),
                    (10.2, 5.0),
                    (11.9, 6.0),
                    (12.4, 8.0),
                    (12.4, 14.0),
                ],
            ],
        ),
        'h' => (
            8.0,
            &[
                &[(0.0, 0.0), (0.0, 14.0)],
                &[
                    (0.0, 7.6),
                    (1.9, 5.4),
                    (4.6, 5.0),
                    (7.0, 6.0),
                    (8.0, 8.2),
                    (8.0, 14.0),
                ],
            ],
        ),
        _ => (3.0, &[]),
    }
}

/// How wide a text is at this height.
pub(super) fn width(text: &str, height: f32) -> f32 {
    let units: f32 = text.chars().map(|c| strokes(c).0 + GAP).sum();
    (units - GAP).max(0.0) * height / HEIGHT
}

/// Draws a text with its left upper corner there.
pub(super) fn write(map: &mut Pixmap, text: &str, at: (f32, f32), height: f32, paint: &Paint<'_>) {
    let scale = height / HEIGHT;
    let mut path = PathBuilder::new();
    let mut left = at.0;
    for character in text.chars() {
        let (wide, lines) = strokes(character);
        for line in lines {
            for (place, (x, y)) in line.iter().enumerate() {
                let (x, y) = (left + x * scale, at.1 + y * scale);
                if place == 0 {
                    path.move_to(x, y);
                } else {
                    path.line_to(x, y);
                }
            }
        }
        left += (wide + GAP) * scale;
    }
    let stroke = Stroke {
        width: height * 0.125,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        ..Stroke::default()
    };
    if let Some(path) = path.finish() {
        map.stroke_path(&path, paint, &stroke, Transform::identity(), None);
    }
}
