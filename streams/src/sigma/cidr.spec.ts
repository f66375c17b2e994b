import { isInCidr, parseCidr, parseIpAddress } from './cidr';

function contains(block: string, address: string): boolean | undefined {
  const parsed = parseCidr(block);
  const bytes = parseIpAddress(address);
  return parsed === undefined || bytes === undefined ? undefined : isInCidr(bytes, parsed);
}

describe('cidr', () => {
  it.each([
    ['10.0.0.0/8', '10.255.1.2', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.168.4.0/22', '192.168.7.255', true],
    ['192.168.4.0/22', '192.168.8.0', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['fe80::/10', 'febf::1', true],
    ['fe80::/10', 'fec0::1', false],
    ['::1/128', '0:0:0:0:0:0:0:1', true],
    ['2001:db8::/32', '2001:db8:1::1%eth0', true],
    ['::ffff:10.0.0.0/104', '::ffff:10.1.1.1', true],
    ['10.0.0.0/8', '::ffff:10.1.1.1', false],
  ])('%s holds %s: %s', (block, address, expected) => {
    expect(contains(block, address)).toBe(expected);
  });

  it.each(['', '10.0.0', '10.0.0.256', '10.0.0.01', '1.2.3.4.5', ':::', '1::2::3', '12345::', '1:2:3:4:5:6:7', 'x'])(
    'refuses the address %p',
    (text) => {
      expect(parseIpAddress(text)).toBeUndefined();
    },
  );

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '::/129', '10.0.0.0/8/8'])('refuses the block %p', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });
});
