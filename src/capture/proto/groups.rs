//! What IGMP and MLD say alike of a group: its sources, and what becomes of them.

use super::l3;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array};
use crate::capture::text::Out;

/// The sources that begin at `at`: ` {A B}` with -vv, else how many.
pub fn sources(cx: &mut Cx, out: &mut Out, b: &[u8], at: usize, count: u16, v6: bool) -> Step {
    if cx.o.v < 2 {
        out.str(", ");
        out.dec(count);
        out.str(" source(s)");
        return Ok(());
    }
    out.str(" {");
    for n in 0..usize::from(count) {
        if v6 {
            let addr = array(b, at + 16 * n)?;
            out.byte(b' ');
            l3::ip6(cx, out, addr);
        } else {
            let addr = array(b, at + 4 * n)?;
            out.byte(b' ');
            l3::ip4(cx, out, addr);
        }
    }
    out.str(" }");
    Ok(())
}

/// The type of a group record; `report` names the message where it has none.
pub fn record(out: &mut Out, kind: u8, report: &str) {
    let name = match kind {
        1 => "is_in",
        2 => "is_ex",
        3 => "to_in",
        4 => "to_ex",
        5 => "allow",
        6 => "block",
        kind => {
            out.str(" [");
            out.str(report);
            out.str("-report-#");
            out.dec(kind);
            "]"
        }
    };
    out.str(name);
}

/// ` [invalid len 7]`.
pub fn invalid_length(out: &mut Out, len: u32) -> Step {
    out.str(" [invalid len ");
    out.dec(len);
    out.byte(b']');
    Ok(())
}
