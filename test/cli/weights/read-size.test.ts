import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../cli/command.ts';
import { readSize } from '../../../cli/weights/read-size.ts';

describe('a size in an option', () => {
  it.each([
    ['1', 1],
    ['512B', 512],
    ['5GB', 5_000_000_000],
    ['5gb', 5_000_000_000],
    ['1.5 MB', 1_500_000],
    ['2TB', 2_000_000_000_000],
    ['3kB', 3000],
    ['4GiB', 4_294_967_296],
    ['1MiB', 1_048_576],
    ['1KiB', 1024],
    ['1TiB', 1_099_511_627_776],
    ['1.0001kB', 1000],
  ])('is read from %j', (text, bytes) => {
    expect(readSize('--max-shard-size', text)).toBe(bytes);
  });

  it.each(['', '0', '0.5B', '-5GB', '5 gigabytes', 'GB', '5G', '1e9', '5,5GB', '99999999TB'])('is not %j', (text) => {
    expect(() => readSize('--max-shard-size', text)).toThrow(
      new UsageError(
        `--max-shard-size is \`${text}\`, expected a size of at least one byte such as 5GB, 500MB or 4GiB.`,
      ),
    );
  });
});
