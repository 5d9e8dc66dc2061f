//! The shares of the limit as bars.

use std::fmt::Write as _;

use crate::measure::Row;

/// Width of the names, of a bar at 1, and height of a bar with its gap.
const NAMES: f64 = 290.0;
const FULL: f64 = 460.0;
const STEP: f64 = 26.0;

/// An SVG image that can be read on light and dark grounds.
pub fn bars(rows: &[Row]) -> String {
    let (width, height) = (NAMES + FULL + 70.0, STEP * (rows.len() as f64 + 1.5));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for tenth in (0..=10).step_by(2) {
        let x = NAMES + FULL * f64::from(tenth) / 10.0;
        let y = STEP * (rows.len() as f64 + 0.6);
        let _ = writeln!(
            out,
            "<path d=\"M{x} 6V{y}\" stroke=\"#ddd\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{:.1}</text>",
            y + 16.0,
            f64::from(tenth) / 10.0
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let y = STEP * index as f64 + 8.0;
        let width = FULL * row.ratio.clamp(0.0, 1.1);
        let name = row.name.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#222\">{name}</text>\
             <rect x=\"{NAMES}\" y=\"{y}\" width=\"{width:.1}\" height=\"18\" fill=\"#4477aa\"/>\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#222\">{:.2}</text>",
            NAMES - 8.0,
            y + 14.0,
            NAMES + width + 6.0,
            y + 14.0,
            row.ratio
        );
        if let Some(target) = row.target {
            let x = NAMES + FULL * target;
            let _ = writeln!(
                out,
                "<path d=\"M{x} {}V{}\" stroke=\"#cc3311\" stroke-width=\"2\"/>",
                y - 3.0,
                y + 21.0
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
