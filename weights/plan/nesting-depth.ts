/**
 * How deep the objects and lists of a JSON text lie in each other, counted without reading it as JSON: a text of nothing but
 * brackets costs a parser hundreds of bytes for each. Stops counting beyond `limit`.
 */
export function nestingDepth(text: string, limit: number): number {
  let [depth, deepest] = [0, 0];
  for (let at = 0; at < text.length && deepest <= limit; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth);
    else if (char === '}' || char === ']') depth--;
  }
  return deepest;
}

/** The closing quote; the end of a text that has none. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
