//! A rule's words, sorted: which match modules with which options, which target with which.

/// One option with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Opt {
    /// True after a `!`.
    pub(super) not: bool,
    /// `--dport`
    pub(super) name: String,
    /// Its arguments.
    pub(super) args: Vec<String>,
}

/// A match module and its options; without a name, the options that need none (`-s`, `-i`, `-p`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Match {
    /// `conntrack`
    pub(super) module: String,
    /// Its options in order.
    pub(super) options: Vec<Opt>,
}

/// What a rule's words say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    /// Its matches in order.
    pub(super) matches: Vec<Match>,
    /// `ACCEPT`, a chain; nothing for a rule that only counts.
    pub(super) target: Option<String>,
    /// True for `-g`.
    pub(super) goto: bool,
    /// The target's options.
    pub(super) options: Vec<Opt>,
}

impl Opt {
    /// The only argument, or the first.
    pub(super) fn arg(&self) -> &str {
        self.args.first().map(String::as_str).unwrap_or_default()
    }

    /// As it was written.
    pub(super) fn text(&self) -> String {
        let not = if self.not { "! " } else { "" };
        let args = self.args.iter().map(|arg| format!(" {arg}")).collect::<String>();
        format!("{not}{}{args}", self.name)
    }
}

impl Match {
    /// As it was written.
    pub(super) fn text(&self) -> String {
        let options: Vec<String> = self.options.iter().map(Opt::text).collect();
        format!("-m {} {}", self.module, options.join(" ")).trim().to_owned()
    }
}

/// Splits as iptables does: blanks, double quotes, a backslash before a character that is meant literally.
pub fn words(spec: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    let mut chars = spec.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            '"' => {
                quoted = !quoted;
                any = true;
            }
            c if c.is_whitespace() && !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Sorts them.
pub(super) fn split(words: &[String]) -> Sorted {
    let mut sorted = Sorted::default();
    let mut words = words.iter().peekable();
    let mut not = false;
    while let Some(word) = words.next() {
        match word.as_str() {
            "!" => {
                not = true;
                continue;
            }
            "-m" | "--match" => {
                let module = words.next().cloned().unwrap_or_default();
                sorted.matches.push(Match { module, options: Vec::new() });
            }
            "-j" | "--jump" | "-g" | "--goto" => {
                sorted.goto = word.contains('g');
                sorted.target = words.next().cloned();
            }
            name => {
                let mut option = Opt { not, name: name.to_owned(), args: Vec::new() };
                // What is quoted may begin with a dash.
                let free = ["--comment", "--log-prefix", "--nflog-prefix", "--string"].contains(&name);
                if free {
                    option.args.extend(words.next().cloned());
                }
                while let Some(arg) = words.next_if(|arg| !free && !arg.starts_with('-') && *arg != "!") {
                    option.args.push(arg.clone());
                }
                sorted.take(option);
            }
        }
        not = false;
    }
    sorted
}

impl Sorted {
    fn take(&mut self, option: Opt) {
        if self.target.is_some() {
            self.options.push(option);
            return;
        }
        // `-p tcp` may follow a module's options; it is not one of them.
        let plain = !option.name.starts_with("--");
        match self.matches.last_mut() {
            Some(last) if last.module.is_empty() == plain => last.options.push(option),
            _ => self.matches.push(Match { module: String::new(), options: vec![option] }),
        }
    }
}
