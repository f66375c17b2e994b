import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProtegoError, parseFieldDeclarations, systemClock } from '@protego/contracts';
import { NameSearch, type HouseKeys } from '@protego/enclave';
import { fixedHouse } from '@protego/enclave/testing';
import type { Bus, RejectedInput } from '../bus/bus';
import { DeadLetters } from './dead-letters.service';

const FIELDS = parseFieldDeclarations(
  "classes: [{types: ['*'], open: [specversion, id, source, type, time, site], staff: [subject]}]",
  'fields.yaml',
);
const EVENT = { specversion: '1.0', id: '1', source: 'ehr', type: 'access.signed-in', site: 'ward' } as const;

interface Kept {
  readonly house: HouseKeys;
  readonly letters: RejectedInput[];
  readonly dead: DeadLetters;
}

/** Dead letters on a bus that keeps them in a list. */
async function inHouse(test: (kept: Kept) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'protego-letters-'));
  const house = await fixedHouse(join(directory, 'keys'), FIELDS);
  const letters: RejectedInput[] = [];
  const bus = {
    publishRejected: (letter: RejectedInput) => Promise.resolve(void letters.push(letter)),
    rejected: async function* () {
      yield* letters;
    },
    waitingInputs: () => Promise.resolve(0),
  };
  const dead = new DeadLetters(bus as unknown as Bus, systemClock, house.vault, new Set(['ehr']));
  try {
    await test({ house, letters, dead });
  } finally {
    await house.close();
    rmSync(directory, { recursive: true });
  }
}

async function refuse(dead: DeadLetters, text: string, subject = 'in.ward.ehr'): Promise<void> {
  const error = new ProtegoError('EVENT_JSON_INVALID', `no JSON: ${text.slice(0, 24)}`);
  await dead.keep({ subject, id: text, bytes: Buffer.from(text), error });
}

describe('refused messages', () => {
  it('are counted that still name a person, past damaged ones, without one of them being opened here', async () => {
    await inHouse(async ({ house: { vault }, letters, dead }) => {
      for (let i = 0; i < 70; i++) await refuse(dead, i % 10 === 3 ? 'by Ada Example, broken' : `broken ${i}`);
      await refuse(dead, `${'x'.repeat(30)} ada.example`);
      await refuse(dead, 'broken', 'in.ward.ada.example');
      await vault.seal([{ ...EVENT, time: '2026-02-01T00:00:00Z', subject: 'Ada Example', data: {} }]);
      await refuse(dead, 'by Ada Example, known by then');
      const damaged = { ...(letters[3] as RejectedInput) };
      const bytes = Buffer.from(damaged.sealedBytes);
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      // The reason of the second still names her.
      letters.splice(20, 0, { ...damaged, sealedReason: Buffer.from('no letter'), sealedBytes: bytes });
      letters.splice(40, 0, { ...damaged, sealedBytes: Buffer.alloc(0) });
      await vault.destroy((await vault.find('Ada Example'))?.keyIds ?? []);
      const opened = jest.fn(() => Promise.reject(new Error('opened outside of the enclave')));
      Object.assign(vault, { openText: opened });
      const copies = await dead.naming(new NameSearch(['Ada Example']));
      expect(copies).toMatchObject([
        { kind: 'stream', note: expect.stringMatching(/^10 refused messages/) as unknown },
      ]);
      expect(await dead.naming(new NameSearch(['Nora Nobody']))).toEqual([]);
      expect(opened).not.toHaveBeenCalled();
    });
  });

  it('are not said to name nobody when the vault fails', async () => {
    await inHouse(async ({ house: { vault }, dead }) => {
      await refuse(dead, 'by Ada Example');
      const lost = new ProtegoError('ENCLAVE_LOST', 'the enclave process is gone');
      Object.assign(vault, { textsNaming: () => Promise.reject(lost) });
      await expect(dead.naming(new NameSearch(['Ada Example']))).rejects.toBe(lost);
    });
  });

  it('leave no reason behind, which may quote them, also when they cannot be kept', async () => {
    await inHouse(async ({ house: { vault }, dead }) => {
      const sealText = jest.spyOn(vault, 'sealText');
      await refuse(dead, 'by Ada Example');
      jest.spyOn(vault, 'flush').mockRejectedValueOnce(new Error('disk'));
      await refuse(dead, 'by Ada Example');
      const reasons = sealText.mock.calls.map(([text]) => text).filter((_, i) => i % 2 === 0);
      expect(reasons).toHaveLength(2);
      for (const reason of reasons) expect(reason).toEqual(Buffer.alloc(reason.length));
    });
  });
});
