import { type ProtegoEvent } from '@protego/contracts';
import { signInOf } from '../testing/one-key-vault';
import { inVaultHouse, type VaultHouse } from '../testing/vault-house';
import { eraseSubject, type ReceiptContent } from './erasure';
import { erasuresIn } from './erasure-events';

/** What asking for one subject ends with: the receipt, or the code of the refusal and whom it lists. */
async function asked(
  { options }: VaultHouse,
  subject: string,
  reason = 'request',
): Promise<ReceiptContent | { code: string; tokens: string[] }> {
  try {
    return (await eraseSubject({ ...options, subject, reason })).content;
  } catch (error) {
    const { code, details } = error as { code: string; details: { tokens?: string[] } };
    return { code, tokens: [...(details.tokens ?? [])].sort() };
  }
}

async function keysOf({ vault }: VaultHouse, identity: string): Promise<number> {
  return (await vault.find(identity))?.keyIds.length ?? 0;
}

async function tokenOf({ vault }: VaultHouse, identity: string): Promise<string> {
  return (await vault.find(identity))?.token ?? '';
}

function readOf(id: string, user: object, patient: object): ProtegoEvent {
  return eventOf(id, 'access.record-read', { actor: { user }, patient });
}

function eventOf(id: string, type: string, data: Record<string, unknown>): ProtegoEvent {
  return { ...signInOf('x', 'x', 0), id, type, data };
}

/** The house as it was when events listed no other names. */
function olderOf(house: VaultHouse): VaultHouse {
  const { authority } = house;
  const appendEvent = authority.append.bind(authority);
  const older = {
    ...authority,
    append: ((type, id, { aliases: _, ...data }) => appendEvent(type, id, data)) as typeof appendEvent,
  };
  return { ...house, options: { ...house.options, authority: older } };
}

describe('whom an erasure is of', () => {
  it('is nobody where a name fits several, and those to choose from are listed', async () => {
    await inVaultHouse(async (house) => {
      await house.append([signInOf('u-1', 'Anna Weber', 11), signInOf('u-2', 'Anna Weber', 12)]);
      const tokens = [await tokenOf(house, 'u-1'), await tokenOf(house, 'u-2')].sort();
      expect(await asked(house, 'Anna Weber')).toEqual({ code: 'PERSON_AMBIGUOUS', tokens });
      expect([await keysOf(house, 'u-1'), await keysOf(house, 'u-2')]).toEqual([1, 1]);
      expect(await asked(house, tokens[0] as string)).toMatchObject({ person: tokens[0] });
    });
  });

  it('is neither the member of staff nor the patient where both have the identity, one forgotten or none', async () => {
    await inVaultHouse(async (house) => {
      const [staff, patient] = [
        { uid: '1001', name: 'Anna Weber' },
        { uid: '1001', name: 'Paul Wolf' },
      ];
      await house.append([
        signInOf('1001', 'Anna Weber', 11),
        readOf('r-1', { uid: 'u-5', name: 'Eva Roth' }, patient),
      ]);
      const both = (await asked(house, '1001')) as { code: string; tokens: string[] };
      expect(both).toEqual({ code: 'PERSON_AMBIGUOUS', tokens: [expect.any(String), expect.any(String)] });
      const token = both.tokens.find((each) => each.startsWith('~p.')) as string;
      const other = both.tokens.find((each) => each.startsWith('~s.')) as string;
      expect(await asked(house, token)).toMatchObject({ person: token });
      expect(await asked(house, staff.uid)).toEqual(both);
      expect(await keysOf(house, other)).toBe(1);
      expect(await asked(house, other)).toMatchObject({ person: other });
      expect(await keysOf(house, other)).toBe(0);
    });
  });

  it('is not the namesake of somebody who was forgotten', async () => {
    await inVaultHouse(async (house) => {
      await house.append([signInOf('u-1', 'Anna Weber', 11), signInOf('u-2', 'Anna Weber', 12)]);
      const tokens = [await tokenOf(house, 'u-1'), await tokenOf(house, 'u-2')];
      const first = await asked(house, 'u-1');
      const again = await asked(house, 'anna weber', 'again');
      expect(again).toEqual({ code: 'PERSON_AMBIGUOUS', tokens: [...tokens].sort() });
      expect(await keysOf(house, 'u-2')).toBe(1);
      expect(await asked(house, tokens[0] as string)).toMatchObject({ seq: (first as ReceiptContent).seq });
    });
  });

  it.each([
    ['KLINIK\\anna', 'anna'],
    ['info@klinik.example', 'info'],
  ])('is who was forgotten as `%s`, and not the account `%s`', async (identity, account) => {
    await inVaultHouse(async (house) => {
      await house.append([signInOf(identity, 'A. W.', 11), signInOf(account, 'Somebody Else', 12)]);
      const first = (await asked(house, identity)) as ReceiptContent;
      expect(await asked(house, identity, 'again')).toMatchObject({ seq: first.seq, person: first.person });
      expect(await keysOf(house, account)).toBe(1);
    });
  });

  it('is found by another name, by the event or by records, and never with the receipt of somebody else', async () => {
    await inVaultHouse(async (house) => {
      const jonas = { uid: 'u-0418', name: 'Jonas Brandt' };
      await house.append([readOf('r1', jonas, { uid: 'pt-1', name: 'Paula Patient' })]);
      const first = (await asked(house, 'u-0418')) as ReceiptContent;
      const second = (await asked(house, 'pt-1')) as ReceiptContent;
      expect(await asked(house, 'Jonas Brandt', 'again')).toMatchObject({ seq: first.seq, person: first.person });
      expect(await asked(house, 'Paula Patient', 'again')).toMatchObject({ seq: second.seq });
      expect(await asked(house, first.person, 'again')).toMatchObject({ seq: first.seq });
      expect(await asked(house, 'Nora Nobody')).toMatchObject({ code: 'PERSON_UNKNOWN' });
      expect([...erasuresIn(house.reader)].map(({ aliases }) => aliases?.length)).toEqual([1, 1]);
    });
  });

  it('is found by records where an older event names no other names, unless several persons stand there', async () => {
    await inVaultHouse(async (house) => {
      const { vault, append } = house;
      const was = olderOf(house);
      await append([
        readOf('r1', { uid: 'u-5', name: 'Eva Meier' }, { uid: 'pt-1', name: 'Paula Patient' }),
        eventOf('h1', 'device.host-event-recorded', {
          SubjectUserName: 'i.kurz',
          SubjectUserSid: 'S-1-5-21-9',
          User: 'a.roth',
        }),
      ]);
      const first = (await asked(was, 'u-5')) as ReceiptContent;
      await asked(was, 'pt-1');
      expect([...erasuresIn(house.reader)].map(({ aliases }) => aliases)).toEqual([undefined, undefined]);
      expect(await asked(was, 'Eva Meier')).toMatchObject({ seq: first.seq });
      await asked(was, 'i.kurz');
      await asked(was, 'a.roth');
      expect(await asked(was, 'S-1-5-21-9')).toMatchObject({ code: 'PERSON_UNKNOWN' });
      expect(await vault.find('u-0417')).toBeDefined();
    });
  });

  it('is nobody where an older event may be of one who had the name, and somebody living has it', async () => {
    await inVaultHouse(async (house) => {
      const ofTwo = (id: string, name: string): ProtegoEvent => {
        const actor = { user: { uid: `${id}-1`, name } };
        return eventOf(id, 'access.record-read', { actor, user: { uid: `${id}-2`, name: `Adam ${id}` } });
      };
      await house.append([ofTwo('a', 'Anna Weber'), ofTwo('b', 'Ines Roth'), ofTwo('c', 'PRAXIS\\max')]);
      await house.append([
        signInOf('u-2', 'Anna Weber', 11),
        signInOf('u-3', 'Ines Roth', 12),
        signInOf('max', 'M', 13),
      ]);
      const tokensOf = async (...identities: string[]): Promise<string[]> =>
        (await Promise.all(identities.map((each) => tokenOf(house, each)))).sort();
      const [weber, roth, max] = [
        await tokensOf('a-1', 'u-2'),
        await tokensOf('b-1', 'b-2', 'u-3'),
        await tokensOf('c-1', 'c-2', 'max'),
      ];
      for (const each of ['a-1', 'b-1', 'b-2', 'c-1', 'c-2']) await asked(olderOf(house), each);
      // The field of somebody who lives, `a-2`, can be told from the other.
      expect(await asked(house, 'Anna Weber')).toEqual({ code: 'PERSON_AMBIGUOUS', tokens: weber });
      expect(await asked(house, 'Ines Roth')).toEqual({ code: 'PERSON_AMBIGUOUS', tokens: roth });
      expect(await asked(house, 'PRAXIS\\max')).toEqual({ code: 'PERSON_AMBIGUOUS', tokens: max });
      const other = await tokenOf(house, 'a-2');
      expect(await asked(house, 'Adam a')).toMatchObject({ person: other });
      for (const each of ['u-2', 'u-3', 'max']) expect(await keysOf(house, each)).toBe(1);
    });
  });

  it.each([
    ['with the names in the event', (house: VaultHouse) => house],
    ['with an older event', olderOf],
  ])('is nobody where a name of who was forgotten is the identity of somebody, %s', async (_, houseOf) => {
    await inVaultHouse(async (house) => {
      await house.append([
        signInOf('u-1', 'Pflege', 11),
        signInOf('pflege', 'Account of ward 3', 12),
        signInOf('u-2', 'max', 13),
        signInOf('max', 'Max Muster', 14),
        signInOf('u-3', 'KLINIK\\eva', 15),
        signInOf('KLINIK\\eva', 'E. V.', 16),
        readOf('r1', { uid: 'u-4', name: 'pt-9' }, { uid: 'pt-9', name: 'Paul Neun' }),
      ]);
      for (const [identity, name, account] of [
        ['u-1', 'PFLEGE', 'pflege'],
        ['u-2', 'PRAXIS\\max', 'max'],
        ['u-3', 'klinik\\Eva', 'KLINIK\\eva'],
        ['u-4', 'pt-9', 'pt-9'],
      ] as const) {
        const token = await tokenOf(house, identity);
        const tokens = [token, await tokenOf(house, account)].sort();
        const first = await asked(houseOf(house), identity);
        expect(await asked(house, name)).toEqual({ code: 'PERSON_AMBIGUOUS', tokens });
        expect(await keysOf(house, account)).toBe(1);
        expect(await asked(house, token)).toMatchObject({ seq: (first as ReceiptContent).seq });
        const other = tokens.find((each) => each !== token) as string;
        expect(await asked(house, other)).toMatchObject({ person: other });
        expect(await keysOf(house, other)).toBe(0);
      }
    });
  });

  it('comes back under the same token, and is then forgotten again by name', async () => {
    await inVaultHouse(async (house) => {
      const first = (await asked(house, 'Maria Keller')) as ReceiptContent;
      await house.append([signInOf('u-0417', 'Maria Keller', 50)]);
      const second = (await asked(house, 'Maria Keller')) as ReceiptContent;
      expect([second.person, second.seq > first.seq]).toEqual([first.person, true]);
      expect(await keysOf(house, 'u-0417')).toBe(0);
    });
  });

  it('is not also who has the name for an identity; that one is listed', async () => {
    await inVaultHouse(async (house) => {
      await house.append([signInOf('u-1', 'Pflege', 11), signInOf('pflege', 'Account of ward 3', 12)]);
      const shared = await tokenOf(house, 'pflege');
      expect(await asked(house, 'u-1')).toMatchObject({ keyIds: [expect.anything()], namesakes: [shared] });
      expect(await keysOf(house, 'pflege')).toBe(1);
    });
  });

  it('is also whoever has a declared account of the person for an identity', async () => {
    await inVaultHouse(async (house) => {
      const sid = 'S-1-5-21-11-22-33-1001';
      await house.append([
        eventOf('w1', 'watchlist.entry-added', { list: 'l', value: sid }),
        eventOf('h1', 'device.host-event-recorded', { SubjectUserName: 'a.weber', SubjectUserSid: sid }),
      ]);
      const { keyIds } = (await asked(house, 'a.weber')) as ReceiptContent;
      expect(keyIds).toHaveLength(2);
      expect(await keysOf(house, sid)).toBe(0);
    });
  });

  it('has names that others share, for which reason and texts are searched all the same', async () => {
    await inVaultHouse(async (house) => {
      await house.append([
        signInOf('u-0418', 'Jonas Brandt', 10, { note: 'early for Anna Weber' }),
        signInOf('u-1', 'Anna Weber', 11),
        signInOf('u-2', 'Anna Weber', 12),
      ]);
      const refused = await asked(house, 'u-1', 'Anna Weber asked for it');
      expect(refused).toMatchObject({ code: 'USAGE_INVALID' });
      const { texts, affected, namesakes } = (await asked(house, 'u-1')) as ReceiptContent;
      expect([texts?.seqs.includes(2), affected.records]).toEqual([true, 1]);
      expect(namesakes).toEqual([await tokenOf(house, 'u-2')]);
      expect(await keysOf(house, 'u-2')).toBe(1);
    });
  });

  it('lists namesakes the other way round, too: by the account in an identity', async () => {
    await inVaultHouse(async (house) => {
      await house.append([
        signInOf('KLINIK\\maria.keller', 'm.k.', 5),
        signInOf('maria.keller@klinik.example', 'mk2', 6),
      ]);
      const others = [await tokenOf(house, 'u-0417'), await tokenOf(house, 'maria.keller@klinik.example')];
      const { namesakes } = (await asked(house, 'KLINIK\\maria.keller')) as ReceiptContent;
      expect([...namesakes].sort()).toEqual(others.sort());
    });
  });

  it('is found where a name is split over fields, and the other fields stay readable', async () => {
    await inVaultHouse(async (house) => {
      const more = { first_name: 'Maria', gender: 'female', last_name: 'Keller', ward: 'north' };
      await house.append([signInOf('u-0418', 'Jonas Brandt', 9, more)]);
      await asked(house, 'u-0417');
      expect((await lastOf(house)).erased).toHaveLength(2);
    });
  });

  it('has more than thirty-two names, and where there may be more than are kept the receipt says so', async () => {
    await inVaultHouse(async (house) => {
      const many = Array.from({ length: 40 }, (_, i) => signInOf('u-6', `Eva Nr${i}x`, 20 + i));
      await house.append([...many, signInOf('u-7', 'Ina Roth', 70, { note: 'for Eva Nr39x' })]);
      expect(((await asked(house, 'u-6')) as ReceiptContent).outOfReach).toEqual([]);
      const { erased } = await lastOf(house);
      expect(erased).toHaveLength(1);
      await house.append(Array.from({ length: 260 }, (_, i) => signInOf('u-8', `Uta Nr${i}x`, 100 + i)));
      const { outOfReach } = (await asked(house, 'u-8')) as ReceiptContent;
      expect(outOfReach).toMatchObject([{ kind: 'other', note: expect.stringContaining('256 names') }]);
    });
  });
});

async function lastOf({ reader, vault }: VaultHouse): Promise<{ readonly erased: readonly string[] }> {
  const record = [...reader.records()].filter(({ type }) => type !== 'log.erased').at(-1);
  const event = JSON.parse(record?.body.toString() ?? '') as ProtegoEvent;
  const [opened] = await vault.reveal([{ event, sealed: record?.sealed ?? Buffer.alloc(0) }]);
  return { erased: opened?.erased ?? [] };
}
