const MOST_CHARACTERS = 2000;

/** As much of an answer as a record keeps; never half a character. */
export function answerText(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : text.slice(0, MOST_CHARACTERS).replace(/[\ud800-\udbff]$/, '');
}
