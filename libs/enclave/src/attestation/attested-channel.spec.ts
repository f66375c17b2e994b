import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { systemClock } from '@protego/contracts';
import { identityOf } from '../measurement/enclave-identity';
import { X25519KeyPair } from '../primitives/x25519';
import { memoryPlatform } from '../testing/memory-platform';
import { sampleImage } from '../testing/sample-enclaves';
import { AttestedChannel, CHANNEL_MESSAGE_BYTES_MAX, offerChannel, type ChannelOffer } from './attested-channel';
import { verifyQuote, type AttestationResult } from './verify-quote';

const nonce = Buffer.alloc(32, 0x11);
const platform = memoryPlatform({ seed: 'channel' });
const enclave = platform.launch(sampleImage());
const REFUSED = expect.objectContaining({ code: 'ATTESTATION_CHANNEL' });
const hello = Buffer.from('the passphrase of an operator');

async function attest(): Promise<{ offer: ChannelOffer; result: AttestationResult }> {
  const offer = await offerChannel(enclave, {
    nonce,
    memory: { isLocked: true, lockLimitBytes: null },
    software: { name: 'protego', version: '0.1.0' },
  });
  const result = await verifyQuote(offer.quote, {
    platformKeys: [platform.attestationKey],
    nonce,
    measurements: [identityOf(sampleImage()).measurement],
    maxAgeMs: 10_000,
    clock: systemClock,
  });
  return { offer, result };
}

async function connect(): Promise<{ verifier: AttestedChannel; inside: AttestedChannel }> {
  const { offer, result } = await attest();
  const { channel: verifier, publicKey } = AttestedChannel.forVerifier(result);
  return { verifier, inside: offer.accept(publicKey) };
}

describe('attested channel', () => {
  it('carries messages both ways', async () => {
    const { verifier, inside } = await connect();
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.uint8Array({ maxLength: 200 }), async (isInward, bytes) => {
        const [from, to] = isInward ? [verifier, inside] : [inside, verifier];
        const frame = from.seal(Buffer.from(bytes));
        expect(frame).toHaveLength(8 + bytes.length + 16);
        expect(to.open(frame)).toEqual(Buffer.from(bytes));
        return Promise.resolve();
      }),
    );
  });

  it('opens by its description alone', async () => {
    const { offer, result } = await attest();
    const pair = new X25519KeyPair(Buffer.alloc(32, 6));
    const ours = new X25519KeyPair(Buffer.alloc(32, 6));
    const inside = offer.accept(ours.publicKey);
    const context = [createHash('sha256').update(offer.quote).digest(), result.channelKey, ours.publicKey];
    const info = Buffer.concat([Buffer.from('protego/attested-channel/1\0'), ...context]);
    const keys = Buffer.from(hkdfSync('sha256', pair.agree(result.channelKey), nonce, info, 64));
    inside.seal(Buffer.alloc(1));
    const frame = inside.seal(hello);
    const number = Buffer.from('0000000000000001', 'hex');
    expect(frame.subarray(0, 8)).toEqual(number);
    const decipher = createDecipheriv('aes-256-gcm', keys.subarray(32), Buffer.concat([Buffer.alloc(4), number]));
    decipher.setAAD(number);
    decipher.setAuthTag(frame.subarray(-16));
    expect(Buffer.concat([decipher.update(frame.subarray(8, -16)), decipher.final()])).toEqual(hello);
  });

  it('opens no frame twice, none out of order and none of its own', async () => {
    const attacks: ((channels: { verifier: AttestedChannel; inside: AttestedChannel }) => void)[] = [
      ({ verifier, inside }) => {
        const frame = verifier.seal(hello);
        inside.open(frame);
        inside.open(frame);
      },
      ({ verifier, inside }) => {
        verifier.seal(hello);
        inside.open(verifier.seal(hello));
      },
      ({ verifier }) => verifier.open(verifier.seal(hello)),
    ];
    for (const attack of attacks) {
      const channels = await connect();
      expect(() => attack(channels)).toThrow(REFUSED);
    }
  });

  it('opens no frame of which a bit was flipped or the number changed, and is closed after the first', async () => {
    for (let bit = 0; bit < 8 * (8 + 4 + 16); bit += 3) {
      const { verifier, inside } = await connect();
      const frame = verifier.seal(Buffer.from('open'));
      const altered = Buffer.from(frame);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => inside.open(altered)).toThrow(REFUSED);
      expect(() => inside.open(frame)).toThrow(REFUSED);
      expect(() => inside.seal(hello)).toThrow(REFUSED);
    }
    const { verifier, inside } = await connect();
    inside.open(verifier.seal(hello));
    const renumbered = verifier.seal(hello);
    renumbered.writeBigUInt64BE(2n);
    expect(() => inside.open(renumbered)).toThrow(REFUSED);
  });

  it('does not open for whoever puts a quote, key or nonce of another channel in its place', async () => {
    const { offer, result } = await attest();
    const other = await attest();
    for (const change of [{ quoteHash: other.result.quoteHash }, { nonce: Buffer.alloc(32) }]) {
      const { channel, publicKey } = AttestedChannel.forVerifier({ ...result, ...change });
      const pair = new X25519KeyPair(Buffer.alloc(32, 9));
      expect(() => AttestedChannel.forEnclave(pair, offer.quote, nonce, publicKey).open(channel.seal(hello))).toThrow(
        REFUSED,
      );
    }
    const { channel } = AttestedChannel.forVerifier(result);
    const inside = offer.accept(AttestedChannel.forVerifier(result).publicKey);
    expect(() => inside.open(channel.seal(hello))).toThrow(REFUSED);
  });

  it('differs with the quote and the nonce alone', async () => {
    const { offer, result } = await attest();
    const other = await attest();
    const secret = Buffer.alloc(32, 4);
    const known = { ...result, channelKey: new X25519KeyPair(Buffer.from(secret)).publicKey };
    const open = (quote: string, used: Buffer): Buffer => {
      const { channel, publicKey } = AttestedChannel.forVerifier(known);
      return AttestedChannel.forEnclave(new X25519KeyPair(Buffer.from(secret)), quote, used, publicKey).open(
        channel.seal(hello),
      );
    };
    expect(open(offer.quote, nonce)).toEqual(hello);
    expect(() => open(other.offer.quote, nonce)).toThrow(REFUSED);
    expect(() => open(offer.quote, Buffer.alloc(32, 1))).toThrow(REFUSED);
  });

  it('is offered once, and refuses keys that make its secret known', async () => {
    const { offer, result } = await attest();
    const { publicKey } = AttestedChannel.forVerifier(result);
    offer.accept(publicKey);
    expect(() => offer.accept(publicKey)).toThrow(REFUSED);
    const second = await attest();
    const refused = expect.objectContaining({ code: 'CRYPTO_REFUSED' });
    expect(() => second.offer.accept(Buffer.alloc(32))).toThrow(refused);
    expect(() => second.offer.accept(publicKey)).toThrow(REFUSED);
    expect(() => AttestedChannel.forVerifier({ ...result, channelKey: Buffer.alloc(32) })).toThrow(refused);
    const third = await attest();
    third.offer.withdraw();
    expect(() => third.offer.accept(publicKey)).toThrow(REFUSED);
  });

  it('has a longest message, shows no keys and is closed for good', async () => {
    const { verifier, inside } = await connect();
    expect(inside.open(verifier.seal(Buffer.alloc(CHANNEL_MESSAGE_BYTES_MAX)))).toHaveLength(CHANNEL_MESSAGE_BYTES_MAX);
    expect(() => verifier.seal(Buffer.alloc(CHANNEL_MESSAGE_BYTES_MAX + 1))).toThrow(REFUSED);
    expect(inspect(verifier, { showHidden: true })).not.toMatch(/key/i);
    verifier.close();
    expect(() => verifier.seal(hello)).toThrow(REFUSED);
  });
});
