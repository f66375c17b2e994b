/** JSON within JSON is looked through so deep. */
const UNESCAPINGS_MAX = 3;

/** The text, and what it says with the escapes of JSON (RFC 8259) resolved: once, twice, as long as there are some. */
export function unescapedForms(text: string): string[] {
  const forms = [text];
  let form = text;
  for (let left = UNESCAPINGS_MAX; left > 0 && form.includes('\\'); left--) forms.push((form = unescaped(form)));
  return forms;
}

/** Escapes that are not valid stay as they are, without their backslash. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|([bfnrt])|(.))/gs,
    (_, code?: string, blank?: string, same = ''): string => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      return blank === undefined ? String(same) : ' ';
    },
  );
}
