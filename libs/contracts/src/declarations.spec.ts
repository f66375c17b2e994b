import { parseCheckedYaml, parseSourceDeclarations } from './declarations';
import type { ProtegoError } from './error';

const HEAD = 'skewMaxMs: 60000\ndefaults: { latenessMs: 2000, idleAfterMs: 60000 }\nsources:\n';
const failureOf = (yamlText: string): Pick<ProtegoError, 'code' | 'message' | 'details'> => {
  try {
    parseSourceDeclarations(yamlText, 'sources.yaml');
  } catch (error) {
    const { code, message, details } = error as ProtegoError;
    return { code, message, details };
  }
  throw new Error('the declarations were taken');
};

describe('parseSourceDeclarations', () => {
  it('fills in what a source leaves out', () => {
    const text = `${HEAD}  - { name: ehr, description: Records. }\n  - name: slow\n    description: Slow.\n    families: [device]\n    latenessMs: 0\n    carriesClock: true\n`;
    expect(parseSourceDeclarations(text, 'sources.yaml')).toEqual({
      skewMaxMs: 60_000,
      defaults: { latenessMs: 2_000, idleAfterMs: 60_000 },
      sources: [
        {
          name: 'ehr',
          description: 'Records.',
          families: [],
          authoritativeFor: [],
          latenessMs: 2_000,
          idleAfterMs: 60_000,
          carriesClock: false,
        },
        {
          name: 'slow',
          description: 'Slow.',
          families: ['device'],
          authoritativeFor: [],
          latenessMs: 0,
          idleAfterMs: 60_000,
          carriesClock: true,
        },
      ],
    });
  });

  it.each([
    [
      'an unknown key',
      '  - name: ehr\n    description: A.\n    latness: 1\n',
      6,
      'sources.0.latness',
      'is not a known key',
    ],
    ['a bad name', '  - description: A.\n    name: E.H.R\n', 5, 'sources.0.name', 'must match pattern'],
    [
      'a negative duration',
      '  - name: ehr\n    description: A.\n    latenessMs: -1\n',
      6,
      'sources.0.latenessMs',
      'must be >= 0',
    ],
    ['a missing description', '  - name: ehr\n', 4, 'sources.0', 'must have required property'],
    ['an item that is no source', '  - name: ehr\n    description: A.\n  - ehr\n', 6, 'sources.1', 'must be object'],
    ['no list', '  ehr: 1\n', 3, 'sources', 'must be array'],
  ])('names line and key of %s', (_, body, line, key, problem) => {
    const { code, message, details } = failureOf(HEAD + body);
    expect({ code, details }).toEqual({ code: 'DECLARATION_INVALID', details: { path: 'sources.yaml', line, key } });
    expect(message).toContain(`sources.yaml:${line}: \`${key}\` ${problem}`);
  });

  it('names the line where a source is declared again', () => {
    expect(failureOf(`${HEAD}  - { name: a, description: A. }\n  - description: B.\n    name: a\n`)).toEqual({
      code: 'DECLARATION_INVALID',
      message: 'sources.yaml:6: source `a` is declared twice',
      details: { path: 'sources.yaml', line: 6, name: 'a' },
    });
  });

  it('takes 256 sources and refuses 257', () => {
    const sources = Array.from({ length: 257 }, (_, n) => `  - { name: s${n}, description: A. }\n`);
    expect(parseSourceDeclarations(HEAD + sources.slice(1).join(''), 'p').sources).toHaveLength(256);
    expect(failureOf(HEAD + sources.join(''))).toMatchObject({ details: { line: 3, key: 'sources' } });
  });

  it('names the line of broken YAML', () => {
    expect(failureOf(`${HEAD}  - name: [a\n    b\n`).details['line']).toBeGreaterThanOrEqual(4);
    expect(failureOf('')).toMatchObject({ code: 'DECLARATION_INVALID', details: { line: 1, key: '' } });
  });
});

describe('parseCheckedYaml', () => {
  const schema = { type: 'object', properties: { '0': { type: 'string' }, a: { type: 'object', required: ['b'] } } };

  it('takes an empty document as one without keys', () => {
    expect(parseCheckedYaml('# nothing\n', 'p', schema, 'CONFIG_INVALID')).toEqual({});
  });

  it('finds keys that look like numbers, and falls back on the nearest key there is', () => {
    const lineOf = (text: string): unknown => {
      try {
        return parseCheckedYaml(text, 'p', schema, 'CONFIG_INVALID');
      } catch (error) {
        return (error as ProtegoError).details['line'];
      }
    };
    expect(lineOf("a: { b: 1 }\n'0': 1\n")).toBe(2);
    expect(lineOf('\n\na:\n  c: 1\n')).toBe(3);
    expect(lineOf('x: &x { c: 1 }\na: *x\n')).toBe(2);
  });

  it('reads values as YAML 1.2 does', () => {
    expect(parseCheckedYaml('x: no\ny: 012\nz: 2026-03-02\n', 'p', { type: 'object' }, 'CONFIG_INVALID')).toEqual({
      x: 'no',
      y: 12,
      z: '2026-03-02',
    });
  });
});
