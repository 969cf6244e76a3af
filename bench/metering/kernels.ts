// Small programs whose speed is measured plain and metered: AssemblyScript text, compiled when the benchmark starts.

import { compileString } from 'assemblyscript/asc';

const SOURCE = `
export function sieve(n: i32): i32 {
  const base: usize = 65536;
  memory.fill(base, 1, n);
  let count = 0;
  for (let i = 2; i < n; i++) {
    if (load<u8>(base + i) == 0) continue;
    count++;
    for (let j = i + i; j < n; j += i) store<u8>(base + j, 0);
  }
  return count;
}

const K = memory.data<u32>([
  0x428a2f98,0x71374491,0xb5c0fbcf,0xe9b5dba5,0x3956c25b,0x59f111f1,0x923f82a4,0xab1c5ed5,0xd807aa98,0x12835b01,
  0x243185be,0x550c7dc3,0x72be5d74,0x80deb1fe,0x9bdc06a7,0xc19bf174,0xe49b69c1,0xefbe4786,0x0fc19dc6,0x240ca1cc,
  0x2de92c6f,0x4a7484aa,0x5cb0a9dc,0x76f988da,0x983e5152,0xa831c66d,0xb00327c8,0xbf597fc7,0xc6e00bf3,0xd5a79147,
  0x06ca6351,0x14292967,0x27b70a85,0x2e1b2138,0x4d2c6dfc,0x53380d13,0x650a7354,0x766a0abb,0x81c2c92e,0x92722c85,
  0xa2bfe8a1,0xa81a664b,0xc24b8b70,0xc76c51a3,0xd192e819,0xd6990624,0xf40e3585,0x106aa070,0x19a4c116,0x1e376c08,
  0x2748774c,0x34b0bcb5,0x391c0cb3,0x4ed8aa4a,0x5b9cca4f,0x682e6ff3,0x748f82ee,0x78a5636f,0x84c87814,0x8cc70208,
  0x90befffa,0xa4506ceb,0xbef9a3f7,0xc67178f2]);
const W: usize = memory.data(256);
export function sha256(blocks: i32): i32 {
  let h0: u32 = 0x6a09e667, h1: u32 = 0xbb67ae85, h2: u32 = 0x3c6ef372, h3: u32 = 0xa54ff53a;
  let h4: u32 = 0x510e527f, h5: u32 = 0x9b05688c, h6: u32 = 0x1f83d9ab, h7: u32 = 0x5be0cd19;
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) store<u32>(W + i * 4, bswap<u32>(load<u32>(65536 + ((block & 255) << 6) + i * 4)));
    for (let i = 16; i < 64; i++) {
      const a = load<u32>(W + (i - 15) * 4), b = load<u32>(W + (i - 2) * 4);
      const s0 = rotr(a, 7) ^ rotr(a, 18) ^ (a >> 3), s1 = rotr(b, 17) ^ rotr(b, 19) ^ (b >> 10);
      store<u32>(W + i * 4, load<u32>(W + (i - 16) * 4) + s0 + load<u32>(W + (i - 7) * 4) + s1);
    }
    let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
    for (let i = 0; i < 64; i++) {
      const t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + load<u32>(K + i * 4) + load<u32>(W + i * 4);
      const t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
    }
    h0 += a; h1 += b; h2 += c; h3 += d; h4 += e; h5 += f; h6 += g; h7 += h;
  }
  return h0;
}

// A register machine: a loop around a switch, as interpreters are.
export function interpret(steps: i32): i32 {
  const code: usize = 4096;
  store<u8>(code, 0); store<u8>(code + 1, 1); store<u8>(code + 2, 2); store<u8>(code + 3, 3);
  store<u8>(code + 4, 4); store<u8>(code + 5, 5); store<u8>(code + 6, 2); store<u8>(code + 7, 6);
  let pc = 0, acc = 1, x = 7, y = 3;
  while (steps-- > 0) {
    const op = load<u8>(code + pc);
    pc++;
    switch (op) {
      case 0: acc += x; break;
      case 1: acc ^= y; break;
      case 2: x = (x << 1) | (x >>> 31); break;
      case 3: y += acc; break;
      case 4: acc = acc * 3 + 1; break;
      case 5: if (acc & 1) x++; else y--; break;
      case 6: pc = 0; break;
      default: return -1;
    }
  }
  return acc ^ x ^ y;
}

export function fib(n: i32): i32 {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

export function matmul(rounds: i32): f64 {
  const n = 24;
  const a: usize = 131072, b: usize = 140000, c: usize = 150000;
  for (let i = 0; i < n * n; i++) { store<f64>(a + i * 8, <f64>i); store<f64>(b + i * 8, <f64>(i ^ 5)); }
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum: f64 = 0;
        for (let k = 0; k < n; k++) sum += load<f64>(a + (i * n + k) * 8) * load<f64>(b + (k * n + j) * 8);
        store<f64>(c + (i * n + j) * 8, sum);
      }
  return load<f64>(c);
}

function mix(x: i32): i32 { return (x ^ (x >>> 15)) * 0x2c1b3c6d; }
function twice(x: i32): i32 { return x > 0 ? mix(x) + mix(x + 1) : mix(x); }
export function calls(n: i32): i32 {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += twice(sum + i);
  return sum;
}
`;

/** A program and an argument that makes it run for a millisecond or two: short enough that some rounds have the core to themselves. */
export const KERNELS = [
  { name: 'sieve', writes: true, argument: 400_000 },
  { name: 'sha256', writes: true, argument: 3_000 },
  { name: 'interpret', writes: false, argument: 200_000 },
  { name: 'matmul', writes: true, argument: 60 },
  { name: 'calls', writes: false, argument: 100_000 },
  { name: 'fib', writes: false, argument: 22 },
] as const;

/** The module of all kernels. */
export async function compileKernels(): Promise<Uint8Array> {
  const { binary, stderr } = await compileString(SOURCE, {
    optimizeLevel: 3,
    runtime: 'stub',
    memoryBase: 262_144,
    initialMemory: 16,
    noAssert: true,
  });
  if (binary === null) throw new Error('the kernels do not compile', { cause: stderr });
  return binary;
}
