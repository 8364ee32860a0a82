import { expect, it } from 'vitest';
import { tableText } from '../../../cli/text/table.ts';

it('a table has no rule between its rows, and no colours', () => {
  expect(
    tableText(
      ['arm', 'best'],
      [
        ['plain', '0.7'],
        ['direct', ''],
      ],
    ),
  ).toBe(
    ['┌────────┬──────┐', '│ arm    │ best │', '│ plain  │ 0.7  │', '│ direct │      │', '└────────┴──────┘'].join(
      '\n',
    ),
  );
});
