//! Enough of HTML to fill in the forms of server-rendered pages.

/// A form with the fields that a browser would send.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) post: bool,
    /// Inputs that are sent anyway: name and preset value.
    pub(crate) inputs: Vec<(String, String)>,
    /// Buttons, of which one is sent: id, name, value.
    pub(crate) buttons: Vec<(String, String, String)>,
}

impl Form {
    pub(crate) fn has_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|(known, _)| known == name)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        for (_, preset) in self.inputs.iter_mut().filter(|(known, _)| known == name) {
            value.clone_into(preset);
        }
    }

    /// Presses the button with this id.
    pub(crate) fn press(&mut self, id: &str) -> bool {
        let Some((_, name, value)) = self.buttons.iter().find(|(known, _, _)| known == id).cloned() else {
            return false;
        };
        if !name.is_empty() {
            self.inputs.push((name, value));
        }
        true
    }

    /// Presses the first button.
    pub(crate) fn submit(&mut self) {
        if let Some((_, name, value)) = self.buttons.first().cloned()
            && !name.is_empty()
        {
            self.inputs.push((name, value));
        }
    }
}

/// A start or end tag.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn owned(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}

/// The forms of a page, in order.
pub(crate) fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut open = false;
    for tag in tags(page) {
        match tag.name.as_str() {
            "form" => {
                let post = tag
                    .get("method")
                    .is_some_and(|method| method.eq_ignore_ascii_case("post"));
                forms.push(Form {
                    action: tag.owned("action"),
                    post,
                    ..Form::default()
                });
                open = true;
            }
            "/form" => open = false,
            "input" | "button" if open => {
                let Some(form) = forms.last_mut() else { continue };
                let kind = tag
                    .get("type")
                    .unwrap_or(if tag.name == "button" { "submit" } else { "text" });
                let checkable = matches!(kind, "checkbox" | "radio");
                if matches!(kind, "submit" | "image") {
                    form.buttons
                        .push((tag.owned("id"), tag.owned("name"), tag.owned("value")));
                } else if kind != "button" && (!checkable || tag.get("checked").is_some()) {
                    form.inputs.push((tag.owned("name"), tag.owned("value")));
                }
            }
            _ => {}
        }
    }
    forms
}

/// Whether some element has this id.
pub(crate) fn has_id(page: &str, id: &str) -> bool {
    tags(page).iter().any(|tag| tag.get("id") == Some(id))
}

fn tags(page: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        let Some(end) = end_of_tag(after) else { break };
        let (inside, remaining) = after.split_at(end);
        found.push(tag(inside));
        rest = remaining;
    }
    found
}

/// The position of the `>` that ends a tag, outside quotes.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (position, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(position),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn tag(inside: &str) -> Tag {
    let inside = inside.trim_end_matches('/').trim();
    let (name, mut rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest
            .find(|letter: char| letter == '=' || letter.is_whitespace())
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        rest = after.trim_start();
        let mut value = "";
        if let Some(assigned) = rest.strip_prefix('=') {
            let assigned = assigned.trim_start();
            let quoted = assigned.strip_prefix('"').map(|t| ('"', t));
            (value, rest) = match quoted.or_else(|| assigned.strip_prefix('\'').map(|t| ('\'', t))) {
                Some((quote, text)) => text.split_once(quote).unwrap_or((text, "")),
                None => assigned.split_once(char::is_whitespace).unwrap_or((assigned, "")),
            };
        } else if key.is_empty() {
            break;
        }
        attributes.push((key.to_ascii_lowercase(), decode(value)));
    }
    Tag {
        name: name.to_ascii_lowercase(),
        attributes,
    }
}

fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let reference = after
            .split_once(';')
            .and_then(|(name, tail)| Some((character(name)?, tail)));
        if let Some((letter, tail)) = reference {
            out.push(letter);
            rest = tail;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_sign_in_page() {
        let page = r#"<!doctype html><title>Sign in</title><form method="post" action="&#x2f;login?a=1&amp;b=2">
            <input type=hidden name=csrf value='a"b'><input name="username" required /><input type="password" name="password">
            <input type="checkbox" name="stay"><button type="submit" id="go" name="act" value="in">Sign in</button></form>
            <p id="client-logo">x</p>"#;
        let mut form = forms(page).pop().unwrap();
        assert!(form.post);
        assert_eq!(form.action, "/login?a=1&b=2");
        assert!(form.has_input("username") && !form.has_input("stay"));
        form.set("username", "alice");
        assert!(form.press("go"));
        assert_eq!(form.inputs.first().unwrap().1, "a\"b");
        assert_eq!(form.inputs.last().unwrap(), &("act".to_owned(), "in".to_owned()));
        assert!(has_id(page, "client-logo") && !has_id(page, "error-code"));
    }
}
