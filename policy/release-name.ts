/**
 * Reads the numbers out of a release name by the family's pattern.
 *
 * `stage{stage}-step{step}-tokens{tokens}B` read against `stage1-step300000-tokens1259B` gives
 * `{stage: 1, step: 300000, tokens: 1259}`. Text outside braces must match to the letter; a field is a whole number.
 *
 * @returns the fields, or null when the name does not follow the pattern.
 */
export function parseReleaseName(pattern: string, name: string): Readonly<Record<string, number>> | null {
  const fields: string[] = [];
  const source = pattern
    .split(/(\{[a-z]+\})/i)
    .map((part) => {
      const field = /^\{([a-z]+)\}$/i.exec(part)?.[1];
      if (field === undefined) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
      fields.push(field);
      return '([0-9]{1,15})';
    })
    .join('');
  const match = new RegExp(`^${source}$`).exec(name);
  if (match === null) return null;
  return Object.fromEntries(fields.map((field, index) => [field, Number(match[index + 1])]));
}
