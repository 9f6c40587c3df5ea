//! A QR code as SVG: one path of black on white, in dark pages too, since cameras want it so.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

use crate::error::{Error, Result};

/// What a template needs of a QR code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Qr {
    /// The box in which it is drawn, with the four modules of white around it that the standard asks for.
    pub(crate) view: String,
    /// The black modules, row by row.
    pub(crate) path: String,
}

impl Qr {
    /// Of a text.
    pub(crate) fn of(text: &str) -> Result<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(Error::internal)?;
        let size = code.size();
        let mut path = String::new();
        for y in 0..size {
            let mut x = 0;
            while x < size {
                let run = (x..size).take_while(|at| code.get_module(*at, y)).count();
                if run > 0 {
                    let _ = write!(path, "M{x} {y}h{run}v1h-{run}z");
                }
                let run = i32::try_from(run).map_err(Error::internal)?;
                x = x.saturating_add(run).saturating_add(1);
            }
        }
        let whole = size.saturating_add(8);
        Ok(Self {
            view: format!("-4 -4 {whole} {whole}"),
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_black_module_is_drawn_and_no_other() {
        let text = "otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=a";
        let qr = Qr::of(text).unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let size = code.size();
        assert_eq!(qr.view, format!("-4 -4 {0} {0}", size + 8));
        let mut drawn = std::collections::BTreeSet::new();
        for run in qr.path.split('M').skip(1) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (length, _) = rest.split_once('v').unwrap();
            let (x, y): (i32, i32) = (x.parse().unwrap(), y.parse().unwrap());
            for more in 0..length.parse::<i32>().unwrap() {
                assert!(drawn.insert((x + more, y)));
            }
        }
        for x in 0..size {
            for y in 0..size {
                assert_eq!(drawn.contains(&(x, y)), code.get_module(x, y), "{x} {y}");
            }
        }
    }
}
