/**
 * The keys that some object of a JSON text names twice; JSON.parse would keep the last one and say nothing.
 * `text` must already have been accepted by JSON.parse. One pass, memory bounded by the keys of the open objects.
 */
export function findDuplicateKeys(text: string): readonly string[] {
  const open: Set<string>[] = [];
  const duplicates = new Set<string>();
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{' || char === '[') open.push(new Set());
    else if (char === '}' || char === ']') open.pop();
    else if (char === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) {
        const key = String(JSON.parse(text.slice(at, end)));
        if (open.at(-1)?.has(key) === true) duplicates.add(key);
        open.at(-1)?.add(key);
      }
      at = end - 1;
    }
  }
  return [...duplicates];
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isKey(text: string, after: number): boolean {
  let at = after;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
