//! Source files as tokens: what is shipped, what only tests compile, and the
//! comments beside both.

use std::path::Path;

/// One source file.
pub(crate) struct File<'a> {
    pub(crate) path: &'a Path,
    /// The module that it is, below the crate root.
    pub(crate) module: Vec<String>,
    /// The tokens that are compiled into the library.
    pub(crate) shipped: Vec<Token>,
    /// The tokens that only tests compile.
    pub(crate) tests: Vec<Token>,
    /// Modules that this file declares for tests only.
    pub(crate) test_modules: Vec<Vec<String>>,
    /// The comments on each line.
    pub(crate) comments: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Token {
    pub(crate) fn is_atomic(&self) -> bool {
        let after = self.text.strip_prefix("Atomic").and_then(|rest| rest.chars().next());
        self.text == "atomic" || after.is_some_and(char::is_uppercase)
    }
}

impl<'a> File<'a> {
    pub(crate) fn read(path: &'a Path, text: &str) -> Self {
        let (code, comments) = separate(text);
        let mut module: Vec<String> =
            path.with_extension("").iter().map(|p| p.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let is_root = module == ["lib"];
        let (mut shipped, mut tests, mut test_modules) = (Vec::new(), Vec::new(), Vec::new());
        let tokens = tokens(&code);
        let mut rest = tokens.as_slice();
        while let Some(first) = rest.first() {
            let length = test_item(rest);
            if length == 0 {
                shipped.push(first.clone());
                rest = &rest[1..];
                continue;
            }
            let (item, behind) = rest.split_at(length);
            if let [.., keyword, name, end] = item
                && keyword.text == "mod"
                && end.text == ";"
            {
                let parent = if is_root { Vec::new() } else { module.clone() };
                test_modules.push([parent, vec![name.text.clone()]].concat());
            }
            tests.extend_from_slice(item);
            rest = behind;
        }
        Self { path, module, shipped, tests, test_modules, comments }
    }
}

/// How many tokens from here on only tests compile: an attribute that says so and
/// what it is on. 0 if there is none here.
fn test_item(tokens: &[Token]) -> usize {
    const ITEMS: [&str; 10] = ["fn", "mod", "use", "struct", "enum", "impl", "trait", "const", "static", "type"];
    let texts: Vec<&str> = tokens.iter().take(4).map(|token| token.text.as_str()).collect();
    if texts != ["#", "[", "cfg", "("] {
        return 0;
    }
    let Some(end) = tokens.iter().position(|token| token.text == "]") else { return 0 };
    let predicate: Vec<&str> = tokens[4..end].iter().map(|token| token.text.as_str()).collect();
    // `test` alone or in an `all(..)`, but not in a `not(..)` or an `any(..)` within it.
    let (mut depth, mut is_test) = (0, false);
    for text in &predicate {
        match *text {
            "(" => depth += 1,
            ")" => depth -= 1,
            "test" => is_test |= depth == 0 || (depth == 1 && predicate[0] == "all"),
            _ => {}
        }
    }
    if !is_test {
        return 0;
    }
    // A field, a variant or an argument ends at a comma, an item does not.
    let mut head = &tokens[end + 1..];
    while let Some(end) = head.iter().position(|token| token.text == "]").filter(|_| head[0].text == "#") {
        head = &head[end + 1..];
    }
    let is_item = head.iter().take(6).any(|token| ITEMS.contains(&token.text.as_str()));
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(end + 1) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            "}" | ")" | "]" if depth == 0 => return index,
            "}" if depth == 1 => return index + 1,
            "}" | ")" | "]" => depth -= 1,
            ";" if depth == 0 => return index + 1,
            "," if depth == 0 && !is_item => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Splits a source into its code, with comments and the insides of literals
/// blanked out, and its comments, line by line.
fn separate(text: &str) -> (String, Vec<String>) {
    let (mut code, mut comments) = (String::new(), vec![String::new(); text.lines().count()]);
    let (mut rest, mut line) = (text, 0);
    while let Some(c) = rest.chars().next() {
        let word_before = code.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let raw = rest.trim_start_matches(['b', 'r']).trim_start_matches('#').starts_with('"');
        let (length, is_comment) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), true)
        } else if rest.starts_with("/*") {
            (block_comment(rest), true)
        } else if !word_before && raw && matches!(c, 'b' | 'r') && !rest.starts_with("b\"") {
            let hashes = rest.split('"').next().unwrap_or_default().matches('#').count();
            let open = rest.find('"').map_or(rest.len(), |at| at + 1);
            let close = format!("\"{}", "#".repeat(hashes));
            (rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len()), false)
        } else if c == '"' {
            (quoted(rest, '"'), false)
        } else if c == '\'' && is_char(rest) {
            (quoted(rest, '\''), false)
        } else {
            code.push(c);
            line += usize::from(c == '\n');
            rest = &rest[c.len_utf8()..];
            continue;
        };
        for piece in rest[..length].split_inclusive('\n') {
            if is_comment {
                comments[line].push_str(piece.trim());
            }
            code.push_str(if piece.ends_with('\n') { "\n" } else { " " });
            line += usize::from(piece.ends_with('\n'));
        }
        rest = &rest[length..];
    }
    (code, comments)
}

/// The length of a block comment; these nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a literal with escapes, quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether this is `'c'` and not a lifetime.
fn is_char(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let length = match c {
                _ if is_name(c) => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
                ':' if rest.starts_with("::") => 2,
                _ => c.len_utf8(),
            };
            if !c.is_whitespace() {
                tokens.push(Token { line: number + 1, text: rest[..length].to_owned() });
            }
            rest = &rest[length..];
        }
    }
    tokens
}
