//! A relay in front of a server that makes its connections slow, or stops them at one exact piece: windows of
//! microseconds become as wide as a test needs.
#![allow(dead_code, reason = "not every area needs every helper")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::swap::Place;

/// Which way a piece goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the server: a piece that is stopped was never heard.
    Up,
    /// Back: the server has done what was asked, and nobody hears of it.
    Down,
}

/// Stop the connection at the `nth` piece (from 1) of one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) way: Way,
    pub(crate) nth: usize,
}

#[derive(Default)]
struct Rules {
    delay: Duration,
    stop: Option<Stop>,
    seen: usize,
    tell: Option<mpsc::Sender<()>>,
}

/// The relay; its threads end with the test process.
pub(crate) struct Relay(Arc<Mutex<Rules>>);

impl Relay {
    /// Listens in the place and connects from there.
    pub(crate) fn start(place: &Place, listen: &str, to: &str) -> Self {
        let rules = Arc::new(Mutex::new(Rules::default()));
        let listener = place.inside(|| TcpListener::bind(listen)).unwrap();
        let (shared, to) = (Arc::clone(&rules), to.to_owned());
        // A thread stands where its maker stood.
        place.inside(|| {
            thread::spawn(move || {
                for near in listener.incoming().flatten() {
                    let Ok(far) = TcpStream::connect(&to) else { continue };
                    both_ways(&near, &far, &shared);
                }
            })
        });
        Self(rules)
    }

    /// Every piece waits so long from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.0.lock().unwrap().delay = delay;
    }

    /// Arms a stop for the connections to come; the receiver hears when it is reached.
    pub(crate) fn stop_at(&self, stop: Stop) -> mpsc::Receiver<()> {
        let (tell, hear) = mpsc::channel();
        let mut rules = self.0.lock().unwrap();
        *rules = Rules { delay: rules.delay, stop: Some(stop), seen: 0, tell: Some(tell) };
        hear
    }

    /// Lets everything pass again.
    pub(crate) fn open(&self) {
        let mut rules = self.0.lock().unwrap();
        *rules = Rules { delay: rules.delay, ..Rules::default() };
    }
}

fn both_ways(near: &TcpStream, far: &TcpStream, rules: &Arc<Mutex<Rules>>) {
    for (way, from, to) in [(Way::Up, near, far), (Way::Down, far, near)] {
        let _ = from.set_nodelay(true);
        let (from, to, rules) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(rules));
        thread::spawn(move || {
            if carry(way, &from, &to, &rules) {
                // Whichever way ends takes the other with it.
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
            }
        });
    }
}

/// Carries until one side ends (true), or a stopped answer is to be withheld for as long as the client lives (false).
fn carry(way: Way, mut from: &TcpStream, mut to: &TcpStream, rules: &Mutex<Rules>) -> bool {
    let mut piece = vec![0; 1 << 16];
    loop {
        let Ok(n @ 1..) = from.read(&mut piece) else { return true };
        let (wait, stopped) = {
            let mut rules = rules.lock().unwrap();
            let counted = rules.stop.filter(|stop| stop.way == way);
            rules.seen += usize::from(counted.is_some());
            let stopped = counted.is_some_and(|stop| rules.seen >= stop.nth);
            (rules.delay, stopped.then(|| rules.tell.clone()).flatten())
        };
        if let Some(tell) = stopped {
            let _ = tell.send(());
            if way == Way::Down {
                return false;
            }
            while matches!(from.read(&mut piece), Ok(1..)) {}
            return true;
        }
        thread::sleep(wait);
        if to.write_all(piece.get(..n).unwrap_or_default()).is_err() {
            return true;
        }
    }
}
