import { parseClaim, seqRangesOf, type DetectionClaim } from './detection-claim';

const CLAIM: DetectionClaim = {
  format: 1,
  detection: {
    ...{ id: '0'.repeat(32), ruleId: 'r', ruleHash: '0'.repeat(64), title: 't', severity: 'low', confidence: 'low' },
    ...{ entities: [], certainAt: '2026-03-02T07:00:00.000Z', why: 'w', nextStep: 'n', harmlessExplanation: 'h' },
    window: { start: '2026-03-02T07:00:00.000Z', end: '2026-03-02T07:00:01.000Z' },
    ...{ attack: [], eventCount: 2, status: 'raised' },
  },
  seqs: [3, 7],
  recordedSeq: null,
  rules: null,
  declarations: [],
  artefacts: {},
  engine: 'e',
  fields: 'stored',
  coverage: { kind: 'records' },
};

describe('parseClaim', () => {
  it('reads a claim as it was written', () => {
    expect(parseClaim(JSON.parse(JSON.stringify(CLAIM)))).toEqual(CLAIM);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an unknown member', { ...CLAIM, more: 1 }],
    ['another format', { ...CLAIM, format: 2 }],
    ['no event', { ...CLAIM, seqs: [] }],
    ['events out of order', { ...CLAIM, seqs: [7, 3] }],
    ['an event twice', { ...CLAIM, seqs: [3, 3] }],
    ['a detection with evidence', { ...CLAIM, detection: { ...CLAIM.detection, evidence: {} } }],
    ['another reason', { ...CLAIM, coverage: { kind: 'events', because: 'no' } }],
  ])('refuses %s', (_, value) => {
    expect(() => parseClaim(value)).toThrow(expect.objectContaining({ code: 'PROOF_INVALID' }));
  });
});

describe('seqRangesOf', () => {
  it.each<[Partial<DetectionClaim>, [number, number][]]>([
    [
      {},
      [
        [3, 4],
        [7, 8],
      ],
    ],
    [{ seqs: [3, 4, 5], recordedSeq: 6 }, [[3, 7]]],
    [{ coverage: { kind: 'range', fromSeq: 1, toSeq: 9 } }, [[1, 9]]],
    [
      { coverage: { kind: 'range', fromSeq: 1, toSeq: 9 }, recordedSeq: 20 },
      [
        [1, 9],
        [20, 21],
      ],
    ],
    [
      { coverage: { kind: 'range', fromSeq: 5, toSeq: 8 } },
      [
        [3, 4],
        [5, 8],
      ],
    ],
  ])('%j', (changes, expected) => {
    const ranges = seqRangesOf({ ...CLAIM, ...changes });
    expect(ranges.map(({ fromSeq, toSeq }) => [fromSeq, toSeq])).toEqual(expected);
  });
});
