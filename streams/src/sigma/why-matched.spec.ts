import type { MatchedField } from './why-matched';
import { MATCHED_FIELDS_MAX, whyMatched } from './why-matched';
import { onlyRule, ruleText } from './testing';

function why(detection: string, data: Record<string, unknown>): MatchedField[] {
  return whyMatched(onlyRule(ruleText(detection)), { type: null, data });
}

describe('whyMatched', () => {
  it('names the values that satisfied the rule', () => {
    const detection =
      'a:\n  Image|endswith: cmd.exe\n  Port: 445\nb:\n  User: x\nf:\n  Other: y\ncondition: (b or a) and not f';
    expect(why(detection, { Image: 'C:\\cmd.exe', Port: 445 })).toEqual([
      { field: 'Image', value: 'C:\\cmd.exe' },
      { field: 'Port', value: 445 },
    ]);
  });

  it('picks the member of a list and the value that holds a keyword', () => {
    expect(why('a:\n  Ip|cidr: 10.0.0.0/8\ncondition: a', { Ip: ['8.8.8.8', '10.1.1.1'] })).toEqual([
      { field: 'Ip', value: '10.1.1.1' },
    ]);
    expect(why('a:\n  - evil\ncondition: a', { A: 'good', B: 'EVIL thing' })).toEqual([
      { field: '*', value: 'EVIL thing' },
    ]);
  });

  it('shows what was asked to be missing as null, and nothing for a rule that does not match', () => {
    expect(why('a:\n  A: null\ncondition: a', {})).toEqual([{ field: 'A', value: null }]);
    expect(why('a:\n  A: 1\ncondition: a', {})).toEqual([]);
  });

  it('is bounded', () => {
    const fields = Array.from({ length: 40 }, (_, at) => `  F${at}: 1`).join('\n');
    const data = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`F${at}`, 1]));
    expect(why(`a:\n${fields}\ncondition: a`, data)).toHaveLength(MATCHED_FIELDS_MAX);
  });
});
