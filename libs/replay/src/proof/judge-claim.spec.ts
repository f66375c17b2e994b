import type { ReplayRecord } from '../replay-log';
import { seqRangesOf, type DetectionClaim } from './detection-claim';
import { judgeClaim } from './judge-claim';
import { ENGINE, inProofHouse, type ProofHouse } from './testing/proof-house';

jest.setTimeout(60_000);

const recordsFor = ({ reader }: ProofHouse, claim: DetectionClaim): ReplayRecord[] =>
  seqRangesOf(claim).flatMap((range) => [...reader.records(range)]);

describe('judgeClaim', () => {
  it('tells what is proven when a detector cannot be run again, or is another than that of the verifier', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('privilege');
      const ofDetector: DetectionClaim = {
        ...claim,
        detection: { ...claim.detection, ruleId: 'beaconing' },
        rules: null,
        coverage: { kind: 'events', because: 'not-reproduced' },
      };
      const records = recordsFor(house, claim);
      const judge = (changes: Partial<DetectionClaim>): ReturnType<typeof judgeClaim> =>
        judgeClaim({ claim: { ...ofDetector, ...changes }, records, engine: ENGINE });
      expect(await judge({})).toMatchObject({ verdict: 'INVALID', code: 'rule-altered' });
      expect(await judge({ engine: 'older' })).toMatchObject({ verdict: 'PARTIAL', code: 'engine-differs' });
    }));

  it('asks for the records of the range, and no other seq may stand in for one', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-machines');
      const records = recordsFor(house, claim);
      const middle = Math.floor(records.length / 2);
      const gap = records.filter((_, i) => i !== middle);
      const judgement = await judgeClaim({ claim, records: gap, engine: ENGINE });
      expect(judgement).toMatchObject({ verdict: 'INVALID', code: 'range-broken', seq: records[middle]?.seq });
      expect(await judgeClaim({ claim, records, engine: ENGINE })).toMatchObject({
        verdict: 'VALID',
        recordsRun: records.length,
      });
    }));

  it('leaves the status aside', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('privilege');
      const muted: DetectionClaim = { ...claim, detection: { ...claim.detection, status: 'muted' } };
      expect(await judgeClaim({ claim: muted, records: recordsFor(house, claim), engine: ENGINE })).toMatchObject({
        verdict: 'VALID',
      });
    }));
});
