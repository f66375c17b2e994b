import { snapshotKindOf } from './snapshot-kind';

const request = (log: { rootHash: string; firstSeq: number }): Parameters<typeof snapshotKindOf>[0] => ({
  ...{ artefactHashes: { rules: 'aa' }, engine: 'e', log },
});

describe('snapshotKindOf', () => {
  it('parts states that rest on records which have expired from those that do not', () => {
    const kinds = [0, 500].map((firstSeq) => snapshotKindOf(request({ rootHash: '00', firstSeq }), 0));
    expect(kinds[0]).not.toBe(kinds[1]);
  });

  it('takes a log that has grown for the same', () => {
    const kinds = ['00', '11'].map((rootHash) => snapshotKindOf(request({ rootHash, firstSeq: 0 }), 0));
    expect(kinds[0]).toBe(kinds[1]);
  });
});
