import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editJson } from '../../../../weights/plan/config/edit-json.ts';

describe('an edited JSON text', () => {
  it('keeps every other byte, floats that look like integers included', () => {
    const text = '{\n  "rope_theta": 10000.0,\n  "vocab_size": 32000,\n  "eps": 1e-05\n}\n';
    expect(editJson(text, [{ path: ['vocab_size'], value: 32064 }])).toBe(text.replace('32000', '32064'));
  });

  it('gets a missing key at the end of its object, laid out like its neighbours', () => {
    expect(editJson('{\n    "a": 1\n}\n', [{ path: ['b'], value: [1] }])).toBe(
      '{\n    "a": 1,\n    "b": [\n      1\n    ]\n}\n',
    );
    expect(editJson('{"a": 1}', [{ path: ['b'], value: 2 }])).toBe('{"a": 1, "b": 2}');
    expect(editJson('{}', [{ path: ['b'], value: 2 }])).toBe('{"b": 2}');
  });

  it('changes nested values, and nothing where the way to them is missing', () => {
    const text = '{"text_config": {"vocab_size": 1}, "vocab_size": 1, "list": [{"vocab_size": 1}]}';
    expect(editJson(text, [{ path: ['text_config', 'vocab_size'], value: 2 }])).toBe(
      text.replace('{"vocab_size": 1}', '{"vocab_size": 2}'),
    );
    expect(editJson(text, [{ path: ['vision_config', 'vocab_size'], value: 2 }])).toBe(text);
    expect(editJson(text, [{ path: ['vocab_size', 'deeper'], value: 2 }])).toBe(text);
  });

  it('is not misled by brackets, quotes and keys inside strings', () => {
    const text = String.raw`{"x": "\"}, \\", "\u0061": 1, "y": [-1.5e3, true, null]}`;
    expect(editJson(text, [{ path: ['a'], value: 2 }])).toBe(text.replace(': 1,', ': 2,'));
  });

  it('changes the last of two values of one key, the one that counts', () => {
    expect(editJson('{"a": 1, "a": 2}', [{ path: ['a'], value: 3 }])).toBe('{"a": 1, "a": 3}');
  });

  it('says what JSON.parse and an assignment would say', () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue()).filter((object) => !Object.hasOwn(object, '__proto__'));
    fc.assert(
      fc.property(objects, fc.string(), fc.jsonValue(), fc.nat(4), (object, key, value, spaces) => {
        fc.pre(key !== '__proto__');
        const text = JSON.stringify(object, null, spaces);
        const edited = editJson(text, [{ path: [key], value }]);
        expect(JSON.parse(edited)).toEqual(JSON.parse(JSON.stringify({ ...object, [key]: value })));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
