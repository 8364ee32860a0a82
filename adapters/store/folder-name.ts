/** One folder name for one part of a key, whatever is in it: `..` would climb out. */
export function folderName(part: string): string {
  return encodeURIComponent(part).replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length));
}
