const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

const two = (value: number): string => String(value).padStart(2, '0');

const DIRECTIVES: Readonly<Record<string, (time: Date) => string>> = {
  Y: (time) => String(time.getFullYear()),
  y: (time) => two(time.getFullYear() % 100),
  m: (time) => two(time.getMonth() + 1),
  d: (time) => two(time.getDate()),
  e: (time) => String(time.getDate()).padStart(2, ' '),
  H: (time) => two(time.getHours()),
  I: (time) => two(time.getHours() % 12 || 12),
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  M: (time) => two(time.getMinutes()),
  S: (time) => two(time.getSeconds()),
  A: (time) => DAYS[time.getDay()] ?? '',
  a: (time) => (DAYS[time.getDay()] ?? '').slice(0, 3),
  B: (time) => MONTHS[time.getMonth()] ?? '',
  b: (time) => (MONTHS[time.getMonth()] ?? '').slice(0, 3),
  '%': () => '%',
};

/** Python's strftime for the directives that chat templates use, in English and local time. Others stay as they are. */
export function strftime(time: Date, format: string): string {
  return format.replace(/%(.)/gs, (written, letter: string) => DIRECTIVES[letter]?.(time) ?? written);
}
