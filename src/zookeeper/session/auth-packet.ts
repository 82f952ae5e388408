/** The packet for digest authentication, in a buffer that can be wiped, unlike the codec's. */
import jute from 'node-zookeeper-client/lib/jute/index.js';
import { wipeableBuffer } from '../../util/trusted-file.ts';

/** `ClientCnxn`: AUTHPACKET_XID */
export const XID_AUTH = -4;
const INT_BYTES = 4;
/** `ZooDefs.OpCode.auth` */
const AUTH = 100;

/** The length, a `RequestHeader`, and `org.apache.zookeeper.proto.AuthPacket`. */
export function authPacket(credentials: Buffer): Buffer {
  const scheme = Buffer.from('digest');
  // Length of the frame, xid, type of the request, type of the packet, and two lengths.
  const size = 6 * INT_BYTES + scheme.length + credentials.length;
  const packet = wipeableBuffer(size).subarray(0, size);
  let at = packet.writeInt32BE(packet.length - INT_BYTES, 0);
  at = packet.writeInt32BE(XID_AUTH, at);
  at = packet.writeInt32BE(jute.OP_CODES['AUTH'] ?? AUTH, at);
  at = packet.writeInt32BE(0, at);
  at = packet.writeInt32BE(scheme.length, at);
  at += scheme.copy(packet, at);
  at = packet.writeInt32BE(credentials.length, at);
  credentials.copy(packet, at);
  return packet;
}
