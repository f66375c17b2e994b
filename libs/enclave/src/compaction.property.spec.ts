import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { Tokeniser } from './identity';
import { KeyRing } from './key-ring';
import { FaultDisk, randomOf } from './testing/fault-disk';
import { type VaultDisk } from './vault-disk';
import { VaultStore } from './vault-store';
import { VAULT_SLOTS_MAX } from './vault-slot';

const VAULT_KEY = Buffer.alloc(32, 5);
const TOKEN_KEY = Buffer.alloc(32, 6);
const PERSONS = 3;
const NAMES = Array.from({ length: 3 }, (_, i) => `Maria Keller ${String.fromCharCode(97 + i).repeat(3)}`);

const ACT = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('key' as const), person: fc.nat(PERSONS - 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('name' as const),
      person: fc.nat(PERSONS - 1),
      name: fc.constantFrom(...NAMES),
      form: fc.constantFrom('account' as const, 'plain' as const),
      inText: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('month' as const), month: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('destroy' as const), person: fc.nat(PERSONS - 1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

/** All that a ring knows of persons and keys, in an order of its own. */
function knowledgeOf(ring: KeyRing, tokens: readonly string[]): unknown {
  return {
    counts: ring.keyCounts,
    keys: tokens.map((token) => {
      const owner = ring.byToken(token);
      if (owner === undefined) return undefined;
      return {
        keyId: owner.keyId.toString('hex'),
        key: owner.lendKey().toString('hex'),
        aliases: [...owner.aliasTokens].sort(),
        accounts: [...ring.accountsOf(owner)].sort(),
      };
    }),
    aliases: tokens.map((token) => [...ring.byAlias(token)].map((owner) => owner.token).sort()),
    names: NAMES.map((name) => {
      const found = new Set<{ readonly token: string }>();
      ring.searchNames(`seen ${name} today`, found as never);
      return [[...ring.named(name)], [...found]].map((owners) => owners.map(({ token }) => token).sort());
    }),
  };
}

async function opened(disk: VaultDisk, isCompacting: boolean): Promise<{ ring: KeyRing; store: VaultStore }> {
  const ring = new KeyRing();
  const compaction = isCompacting ? { deadSlotsMin: 1, deadShareMin: 0 } : { deadSlotsMin: Infinity, deadShareMin: 1 };
  const limits = { slotsMax: VAULT_SLOTS_MAX, compaction };
  return { ring, store: await VaultStore.openForWriting(disk, VAULT_KEY, ring, limits) };
}

describe('keys, names and accounts', () => {
  const tokeniser = new Tokeniser(TOKEN_KEY);
  const person = (number: number) => ({ ...tokeniser.identify('s', `u-${number}`, 'plain'), owner: undefined });
  const month = (number: number) => ({ ...tokeniser.identify('m', `ehr 2026-0${number}`, 'plain'), owner: undefined });
  const nameOf = (text: string) => ({ ...tokeniser.identify('s', text, 'plain'), owner: undefined });
  const tokens = [
    ...Array.from({ length: PERSONS }, (_, i) => person(i).token),
    ...Array.from({ length: 4 }, (_, i) => month(i).token),
    ...NAMES.map((name) => nameOf(name).token),
  ];

  it('are the same with and without compaction, for the writer and for a reader that had the old file open', async () => {
    let compactions = 0;
    const act = async (acts: readonly (typeof ACT extends fc.Arbitrary<infer T> ? T : never)[]): Promise<void> => {
      const disk = new FaultDisk(randomOf(1));
      let { ring, store } = await opened(disk, false);
      for (const each of acts) {
        const append = store.append.bind(store);
        if (each.kind === 'key') ring.ownerOf('s', person(each.person), append);
        if (each.kind === 'month') ring.ownerOf('m', month(each.month), append);
        if (each.kind === 'name') {
          const owner = ring.ownerOf('s', person(each.person), append);
          ring.addAlias(owner, nameOf(each.name), { form: each.form, inText: each.inText }, append);
        }
        if (each.kind === 'destroy') {
          const owner = ring.byToken(person(each.person).token);
          if (owner === undefined) continue;
          const slots = new Map([[owner.keyId, [...owner.slots]]]);
          ring.onDestroyed(owner.keyId);
          await store.destroy(slots);
        }
        await store.flush();
        if (each.kind !== 'reopen') continue;
        const before = knowledgeOf(ring, tokens);
        await store.mark();
        const reader = new KeyRing();
        const follower = VaultStore.openForReading(disk.reader(), VAULT_KEY, reader);
        const isolated = await opened(disk.revived(), false);
        ring.close();
        ({ ring, store } = await opened(disk, true));
        if (store.compaction === 'done') compactions++;
        follower.refresh();
        for (const other of [ring, reader, isolated.ring]) expect(knowledgeOf(other, tokens)).toEqual(before);
        const numbers = (of: KeyRing) => tokens.map((token) => [...(of.byToken(token)?.slots ?? [])].sort());
        expect(numbers(reader)).toEqual(numbers(ring));
        reader.close();
        isolated.ring.close();
        // Guarded memory is given back then.
        await nextTurn();
      }
      ring.close();
    };
    await fc.assert(fc.asyncProperty(fc.array(ACT, { minLength: 10, maxLength: 30 }), act), { numRuns: 80 });
    expect(compactions).toBeGreaterThan(60);
  }, 60_000);
});
