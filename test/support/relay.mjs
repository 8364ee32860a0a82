// Listens on a loopback port and passes every connection on to a unix socket: the one way out of a network of its own.
// Usage: relay.mjs PORT SOCKET
import net from 'node:net';

const [port, socket] = process.argv.slice(2);
net
  .createServer((inside) => {
    const outside = net.connect(socket);
    inside.pipe(outside).pipe(inside);
    inside.on('error', () => outside.destroy());
    outside.on('error', () => inside.destroy());
  })
  .listen(Number(port), '127.0.0.1');
