//! Names of hosts, asked for beside the printing: a resolver that is silent is waited for once, not for each address.

use std::net::IpAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use crate::capture::names::Resolver;

/// How long a packet waits for a name. A resolver that answers at all answers sooner.
const PATIENCE: Duration = Duration::from_secs(2);

/// A thread that asks, and what it was asked for.
struct Asker {
    ask: Sender<IpAddr>,
    told: Receiver<Option<String>>,
    /// An answer is still to come, for which nobody waits any more.
    silent: bool,
}

impl Asker {
    fn new() -> Self {
        let (ask, asked) = mpsc::channel::<IpAddr>();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for addr in asked {
                if tell.send(dns_lookup::lookup_addr(&addr).ok()).is_err() {
                    return;
                }
            }
        });
        Self { ask, told, silent: false }
    }

    fn name(&mut self, addr: IpAddr) -> Option<String> {
        if self.silent {
            // It is asked again once it has answered.
            self.silent = self.told.try_recv().is_err();
        }
        if self.silent || self.ask.send(addr).is_err() {
            return None;
        }
        let told = self.told.recv_timeout(PATIENCE);
        self.silent = told.is_err();
        told.ok().flatten()
    }
}

/// Names from the system's resolver. The thread begins with the first address: by then privileges are dropped.
pub fn resolver() -> Resolver {
    let mut asker = None;
    Box::new(move |addr| asker.get_or_insert_with(Asker::new).name(addr))
}
