const UNITS = [
  { name: 'GB', bytes: 1e9, digits: 2 },
  { name: 'MB', bytes: 1e6, digits: 1 },
  { name: 'kB', bytes: 1e3, digits: 1 },
] as const;

/** Bytes in the largest unit of which there is at least one. */
export function bytesText(bytes: number): string {
  const unit = UNITS.find((candidate) => bytes >= candidate.bytes);
  return unit === undefined
    ? `${String(Math.round(bytes))} B`
    : `${(bytes / unit.bytes).toFixed(unit.digits)} ${unit.name}`;
}

/** A count with its thousands parted. */
export function countText(count: number): string {
  return count.toLocaleString('en');
}

/** A count and what is counted; the plural gets an s. */
export function countedText(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A part of a whole in percent, to one decimal. */
export function shareText(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}

/** A measured ratio in percent, to three significant digits; null is not defined. */
export function ratioText(ratio: number | null): string {
  return ratio === null ? '–' : `${String(Number((100 * ratio).toPrecision(3)))} %`;
}

/** Seconds as people read them: minutes and hours where there are some. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${String(hours)} h ${String(minutes)} min` : `${String(minutes)} min ${String(whole % 60)} s`;
}
