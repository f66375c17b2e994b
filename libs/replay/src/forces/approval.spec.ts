import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { canonicalJson, type ProtegoEvent } from '@protego/contracts';
import { thrownCodeOf } from '@protego/contracts/testing';
import { verifierKeyOf } from '@protego/event-log';
import {
  activationData,
  retirementData,
  statementOf,
  type ActivationGround,
  type ActivationRequest,
} from './activation';
import { NO_CONTROL, approve, checkSignatures, dualControlOf, statementText, type DualControl } from './approval';
import { ACTIVATED, ForceLedger, RETIRED, foldForces, type ForceRecord } from './force-ledger';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const ORIGIN = 'north/log';

interface Approver {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly pem: string;
  readonly raw: Buffer;
}
function approver(name: string): Approver {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return { name, privateKey, pem: publicKey.export({ format: 'pem', type: 'spki' }) as string, raw };
}
const [anna, ben, carl] = ['anna', 'ben', 'carl'].map(approver) as [Approver, Approver, Approver];
const control: DualControl = dualControlOf({
  approvals: 2,
  approvers: [anna, ben, carl].map(({ name, pem }) => ({ name, publicKey: pem })),
});

function record(seq: number, type: string, data: object): ForceRecord {
  const event = { type, time: '2026-03-02T07:00:00Z', data } as unknown as ProtegoEvent;
  return { seq, arrivedAtMs: seq * 1_000, type, body: Buffer.from(canonicalJson(event)) };
}
const activated = (seq: number, set: string, data: object = {}): ForceRecord =>
  record(seq, ACTIVATED, { name: 'pipeline', hashes: { rules: set }, set, ...data });
const retired = (seq: number, set: string): ForceRecord => record(seq, RETIRED, { set, reason: 'r' });

const groundOf = (records: readonly ForceRecord[], by = control): ActivationGround => ({
  ...{ origin: ORIGIN, ledger: foldForces(records), control: by },
});
const requestOf = (set: string, approvals: readonly string[] = []): ActivationRequest => ({
  ...{ set, hashes: { rules: set }, reason: 'drill', approvals, via: 'engine' },
});
const signed = (
  set: string,
  ground: ActivationGround,
  { name, privateKey, raw }: Approver,
  reason = 'drill',
): Promise<string> =>
  approve(statementOf({ set, reason }, ground), name, {
    publicKey: raw,
    sign: (message) => Promise.resolve(sign(null, message, privateKey)),
  });

describe('dual control', () => {
  it('takes PEM and verifier keys, and refuses what could count twice or never', () => {
    const key = verifierKeyOf('anna', anna.raw);
    const publicKey = anna.pem;
    expect(dualControlOf({ approvals: 1, approvers: [{ name: 'anna', publicKey: key }] })).toEqual(
      dualControlOf({ approvals: 1, approvers: [{ name: 'anna', publicKey }] }),
    );
    for (const approvers of [
      [{ name: 'ben', publicKey: key }],
      [{ name: 'anna', publicKey: 'none' }],
      [
        { name: 'anna', publicKey },
        { name: 'anna', publicKey: ben.pem },
      ],
      [
        { name: 'anna', publicKey },
        { name: 'ben', publicKey },
      ],
      [],
    ])
      expect(thrownCodeOf(() => dualControlOf({ approvals: 1, approvers }))).toBe('CONFIG_INVALID');
  });

  it('lets a set come into force with signatures of two approvers, which anybody can check later', async () => {
    const ground = groundOf([activated(5, A)]);
    const notes = [await signed(B, ground, ben), await signed(B, ground, anna)];
    const data = activationData(requestOf(B, notes), ground);
    expect(data).toMatchObject({ set: B, previous: A, after: 5, reason: 'drill', via: 'engine' });
    expect(data.signatures?.map(({ name }) => name)).toEqual(['anna', 'ben']);
    const { current } = foldForces([activated(5, A), record(9, ACTIVATED, data)]);
    const check = (change: object, by = control): boolean[] =>
      checkSignatures(ORIGIN, { ...current, ...change } as never, by).map(
        ({ isValid, isDeclared }) => isValid && isDeclared,
      );
    expect(check({})).toEqual([true, true]);
    expect(check({}, NO_CONTROL)).toEqual([false, false]);
    for (const change of [{ reason: 'other' }, { set: C }, { previous: C }, { after: 4 }])
      expect(check(change)).toEqual([false, false]);
    expect(checkSignatures('south/log', current as never, control).map(({ isValid }) => isValid)).toEqual([
      false,
      false,
    ]);
  });

  it('counts different approvers, and nobody who is not declared', async () => {
    const ground = groundOf([activated(5, A)]);
    const note = await signed(B, ground, anna);
    expect(thrownCodeOf(() => activationData(requestOf(B), ground))).toBe('ARTEFACT_APPROVAL_MISSING');
    expect(thrownCodeOf(() => activationData(requestOf(B, [note, note]), ground))).toBe('ARTEFACT_APPROVAL_MISSING');
    const stranger = await signed(B, ground, approver('dora'));
    expect(thrownCodeOf(() => activationData(requestOf(B, [note, stranger]), ground))).toBe(
      'ARTEFACT_APPROVAL_INVALID',
    );
    const imposter = await signed(B, ground, approver('ben'));
    expect(thrownCodeOf(() => activationData(requestOf(B, [note, imposter]), ground))).toBe(
      'ARTEFACT_APPROVAL_INVALID',
    );
  });

  it('does not take an approval of another set, reason, log or state of the log', async () => {
    const ground = groundOf([activated(5, A)]);
    const good = await signed(B, ground, anna);
    const others = [
      await signed(C, ground, ben),
      await signed(B, ground, ben, 'another reason'),
      await signed(B, { ...ground, origin: 'south/log' }, ben),
      await signed(B, groundOf([activated(4, A)]), ben),
      await signed(B, groundOf([activated(5, C)]), ben),
      'no note',
      good.replace('drill', 'dril1').replace(A, C),
    ];
    for (const other of others)
      expect(thrownCodeOf(() => activationData(requestOf(B, [good, other]), ground))).toBe('ARTEFACT_APPROVAL_INVALID');
  });

  it('does not take the same approvals again when the same set was in force in between', async () => {
    const before = [activated(5, A)];
    const notes = [await signed(B, groundOf(before), anna), await signed(B, groundOf(before), ben)];
    const later = groundOf([...before, activated(9, B), activated(12, A)]);
    expect(thrownCodeOf(() => activationData(requestOf(B, notes), later))).toBe('ARTEFACT_APPROVAL_INVALID');
  });

  it('says every fact on a line of its own', () => {
    const text = statementText({ origin: ORIGIN, set: B, previous: undefined, after: undefined, reason: 'drill' });
    expect(text.split('\n').slice(1, 5)).toEqual([`log ${ORIGIN}`, `set ${B}`, 'previous none', 'after none']);
  });
});

describe('activation and retirement', () => {
  it('does not activate what is in force, nor retire it', () => {
    const ground = groundOf([activated(5, A)], NO_CONTROL);
    expect(thrownCodeOf(() => activationData(requestOf(A), ground))).toBe('ARTEFACT_IN_FORCE');
    expect(thrownCodeOf(() => retirementData(requestOf(A), ground.ledger))).toBe('ARTEFACT_IN_FORCE');
    expect(activationData(requestOf(B), ground).signatures).toBeUndefined();
    expect(activationData(requestOf(B), groundOf([], NO_CONTROL))).not.toHaveProperty('previous');
  });

  it('keeps a retired set out, but for approvals that were signed after that', async () => {
    const early = groundOf([activated(5, A)]);
    const earlyNotes = [await signed(B, early, anna), await signed(B, early, ben)];
    const records = [activated(5, A), retired(7, B)];
    const ground = groundOf(records);
    expect(thrownCodeOf(() => activationData(requestOf(B), groundOf(records, NO_CONTROL)))).toBe('ARTEFACT_RETIRED');
    expect(thrownCodeOf(() => activationData(requestOf(B, earlyNotes), ground))).toBe('ARTEFACT_APPROVAL_INVALID');
    const notes = [await signed(B, ground, anna), await signed(B, ground, ben)];
    expect(activationData(requestOf(B, notes), ground)).toMatchObject({ set: B, after: 7 });
    expect(thrownCodeOf(() => retirementData(requestOf(B), ground.ledger))).toBe('ARTEFACT_RETIRED');
    expect(foldForces([...records, activated(9, B)]).retirementOf(B)).toBeUndefined();
  });
});

describe('ForceLedger', () => {
  const ledger = foldForces([
    activated(5, A),
    record(6, 'log.exported', {}),
    activated(9, B),
    activated(12, B),
    activated(20, A),
  ]);

  it('says which set judges which record: the first also what stands before it', () => {
    expect(ledger.phases()).toEqual([
      { fromSeq: 0, toSeq: 10, set: A },
      { fromSeq: 10, toSeq: 21, set: B },
      { fromSeq: 21, toSeq: Infinity, set: A },
    ]);
    expect([0, 5, 9, 10, 20, 21, 1e9].map((seq) => ledger.inForceAt(seq))).toEqual([A, A, A, B, B, A, A]);
  });

  it('says which set was in force at a time, and how it stood before a record', () => {
    expect([0, 5_000, 8_999, 9_000, 30_000].map((timeMs) => ledger.inForceAtTime(timeMs))).toEqual([A, A, A, B, A]);
    expect(ledger.before(12).current?.seq).toBe(9);
    expect([ledger.lastSeq, foldForces([]).lastSeq, new ForceLedger([], []).phases()]).toEqual([20, undefined, []]);
  });

  it('knows from the first event that is left which set was in force before it', () => {
    expect(foldForces([activated(9, B, { previous: A })]).phases()[0]).toEqual({ fromSeq: 0, toSeq: 10, set: A });
  });

  it('names sets of older events by their hashes', () => {
    const old = foldForces([record(3, ACTIVATED, { name: 'pipeline', hashes: { rules: 'x' } })]);
    expect(old.current).toMatchObject({ set: expect.stringMatching(/^[0-9a-f]{64}$/), via: 'start', signatures: [] });
  });
});
