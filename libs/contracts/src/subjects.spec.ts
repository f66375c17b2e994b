import fc from 'fast-check';
import { SEVERITIES } from './detection';
import { isNameToken } from './ids';
import {
  detectionSubject,
  inputSubject,
  lateSubject,
  parseInputSubject,
  rejectedSubject,
  ruleFailedSubject,
  skewedSubject,
  subjectToken,
} from './subjects';

const token = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,63}$/);

describe('input subjects', () => {
  it('come back as they were made', () => {
    fc.assert(
      fc.property(token, token, token, (site, family, source) => {
        expect(parseInputSubject(inputSubject(site, family, source))).toEqual({ site, family, source });
      }),
    );
  });

  it.each([
    '',
    'protego.v1.north.in.access',
    'protego.v1.north.in.access.ehr.more',
    'protego.v2.north.in.access.ehr',
    'protego.v1.north.out.access.ehr',
    'protego.v1.North.in.access.ehr',
    'protego.v1.north.in.access.',
    'protego.v1.north.in.access.*',
    'protego.v1.north.in.>.ehr',
    'protego.v1..in.access.ehr',
    `protego.v1.north.in.access.${'x'.repeat(65)}`,
    'protego.v1.north.in.access.ehr\n',
  ])('refuse %j', (subject) => {
    expect(() => parseInputSubject(subject)).toThrow(expect.objectContaining({ code: 'SUBJECT_INVALID' }));
  });

  it('repeat no more than 200 characters of what they refuse', () => {
    expect(() => parseInputSubject('x'.repeat(100_000))).toThrow(
      expect.objectContaining({ details: { subject: 'x'.repeat(200) } }),
    );
  });
});

describe('output subjects', () => {
  it('are those of the contract', () => {
    expect(detectionSubject('north', 'high', 'rule-1')).toBe('protego.v1.north.detection.high.rule-1');
    expect(lateSubject('north', 'ehr')).toBe('protego.v1.north.late.ehr');
    expect(skewedSubject('north', 'ehr')).toBe('protego.v1.north.skewed.ehr');
    expect(ruleFailedSubject('north', 'rule-1')).toBe('protego.v1.north.rule-failed.rule-1');
    expect(rejectedSubject('north', 'ehr')).toBe('protego.v1.north.rejected.ehr');
  });

  it('have a fixed number of tokens without wildcards, whatever the rule is called', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SEVERITIES),
        fc.oneof(fc.string(), fc.constantFrom('a.b', '*', '>', ' ', '\r\n')),
        (severity, id) => {
          const tokens = detectionSubject('north', severity, id).split('.');
          expect(tokens).toHaveLength(6);
          for (const each of tokens) expect(each).toMatch(/^[A-Za-z0-9_-]{1,128}$/);
        },
      ),
    );
    expect(subjectToken('a/b.yml')).toBe('a-b-yml');
  });
});

describe('isNameToken', () => {
  it('takes lower-case letters, digits and dashes, at most 64, beginning with a letter or digit', () => {
    expect(['a', '0', 'a-b', 'x'.repeat(64)].every(isNameToken)).toBe(true);
    expect(['', '-a', 'A', 'a.b', 'a_b', 'ä', 'a\n', 'x'.repeat(65)].some(isNameToken)).toBe(false);
  });
});
