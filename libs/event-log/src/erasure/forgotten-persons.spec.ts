import { signInOf } from '../testing/one-key-vault';
import { inVaultHouse, type VaultHouse } from '../testing/vault-house';
import { eraseSubject } from './erasure';
import { ForgottenPersons, type ForgettingAgain } from './forgotten-persons';

const maria = signInOf('u-0417', 'Maria Keller', 1);
const jonas = signInOf('u-0418', 'Jonas Brandt', 0);

async function subjectsOf({ vault }: VaultHouse, event: typeof maria): Promise<readonly string[]> {
  const [sealing] = await vault.seal([event]);
  if (sealing?.kind !== 'sealed') throw new Error('refused');
  return sealing.sealed.subjects;
}

async function keysOf({ vault }: VaultHouse, identity: string): Promise<number> {
  return (await vault.find(identity))?.keyIds.length ?? 0;
}

function quietly({ vault, writer }: VaultHouse): ForgettingAgain {
  return { vault, isQuiet: () => true, logSize: () => writer.size };
}

describe('ForgottenPersons', () => {
  it('knows an event again that came before its person was forgotten, and forgets the key that it made', async () => {
    await inVaultHouse(async (house) => {
      const forgotten = new ForgottenPersons(house.reader);
      expect(forgotten.isRepeat(maria.source, maria.id, await subjectsOf(house, maria))).toBe(false);
      await eraseSubject({ ...house.options, reason: 'request' });
      expect(await keysOf(house, 'u-0417')).toBe(0);
      const subjects = await subjectsOf(house, maria);
      expect(await keysOf(house, 'u-0417')).toBe(1);
      expect(forgotten.isRepeat('another', maria.id, subjects)).toBe(false);
      expect(forgotten.isRepeat(maria.source, 'another', subjects)).toBe(false);
      expect(forgotten.hasReturned).toBe(false);
      expect(forgotten.isRepeat(maria.source, maria.id, subjects)).toBe(true);
      expect(forgotten.hasReturned).toBe(true);
      expect(await forgotten.forgetAgain(quietly(house))).toBe(1);
      expect([await keysOf(house, 'u-0417'), await keysOf(house, 'u-0418')]).toEqual([0, 1]);
      expect(forgotten.hasReturned).toBe(false);
    });
  });

  it('takes what is said about detections of the person for nothing of the person', async () => {
    await inVaultHouse(async (house) => {
      const forgotten = new ForgottenPersons(house.reader);
      const token = (await house.vault.find('u-0417'))?.token;
      await eraseSubject({ ...house.options, reason: 'request' });
      const data = { entity: { kind: 'person', id: token }, expiresAt: '2026-03-01T00:00:00Z', reason: 'drill' };
      await house.append([{ ...maria, id: 'muted-1', source: 'protego', type: 'detection.muted', data }]);
      forgotten.isRepeat(maria.source, maria.id, await subjectsOf(house, maria));
      expect(await forgotten.forgetAgain(quietly(house))).toBe(1);
      expect(await keysOf(house, 'u-0417')).toBe(0);
    });
  });

  it('leaves the key of who really came back, and of who was never forgotten', async () => {
    await inVaultHouse(async (house) => {
      const forgotten = new ForgottenPersons(house.reader);
      await eraseSubject({ ...house.options, reason: 'request' });
      await house.append([{ ...maria, id: 'later' }]);
      expect(forgotten.isRepeat(jonas.source, jonas.id, await subjectsOf(house, jonas))).toBe(false);
      expect(forgotten.isRepeat(maria.source, 'later', await subjectsOf(house, maria))).toBe(false);
      expect(forgotten.isRepeat(maria.source, maria.id, await subjectsOf(house, maria))).toBe(true);
      expect(await forgotten.forgetAgain(quietly(house))).toBe(0);
      expect(await keysOf(house, 'u-0417')).toBe(1);
    });
  });

  it.each([
    ['something is on its way', () => ({ isQuiet: () => false })],
    [
      'something came while it looked',
      () => ({
        logSize: (
          (size) => () =>
            size++
        )(0),
      }),
    ],
  ])('waits while %s', async (_, during) => {
    await inVaultHouse(async (house) => {
      const forgotten = new ForgottenPersons(house.reader);
      await eraseSubject({ ...house.options, reason: 'request' });
      forgotten.isRepeat(maria.source, maria.id, await subjectsOf(house, maria));
      expect(await forgotten.forgetAgain({ ...quietly(house), ...during() })).toBe(0);
      expect([await keysOf(house, 'u-0417'), forgotten.hasReturned]).toEqual([1, true]);
      expect(await forgotten.forgetAgain(quietly(house))).toBe(1);
    });
  });
});
