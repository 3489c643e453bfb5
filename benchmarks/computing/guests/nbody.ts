// SPDX-License-Identifier: MIT
// AssemblyScript: a sun and four planets, which attract each other, as objects with fields of f64.
// Returns a checksum of the energy after some steps.

class Body {
  vx: f64 = 0;
  vy: f64 = 0;
  vz: f64 = 0;

  constructor(
    public x: f64,
    public y: f64,
    public z: f64,
    public mass: f64,
  ) {}
}

function start(): Body[] {
  const bodies = [new Body(0, 0, 0, 40)];
  for (let i = 1; i <= 4; i++) {
    const distance: f64 = 2.5 * i * i;
    const body = new Body(distance, -0.5 * i, 0.25 * (i & 1), 0.01 * i);
    body.vy = Math.sqrt(40 / distance);
    bodies.push(body);
  }
  return bodies;
}

function advance(bodies: Body[], step: f64): void {
  const count = bodies.length;
  for (let i = 0; i < count; i++) {
    const a = bodies[i];
    for (let j = i + 1; j < count; j++) {
      const b = bodies[j];
      const dx = a.x - b.x;
      const dy = a.y - b.y;
      const dz = a.z - b.z;
      const square = dx * dx + dy * dy + dz * dz;
      const pull = step / (square * Math.sqrt(square));
      a.vx -= dx * b.mass * pull;
      a.vy -= dy * b.mass * pull;
      a.vz -= dz * b.mass * pull;
      b.vx += dx * a.mass * pull;
      b.vy += dy * a.mass * pull;
      b.vz += dz * a.mass * pull;
    }
  }
  for (let i = 0; i < count; i++) {
    const body = bodies[i];
    body.x += step * body.vx;
    body.y += step * body.vy;
    body.z += step * body.vz;
  }
}

function energy(bodies: Body[]): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < bodies.length; i++) {
    const a = bodies[i];
    sum += 0.5 * a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz);
    for (let j = i + 1; j < bodies.length; j++) {
      const b = bodies[j];
      const dx = a.x - b.x;
      const dy = a.y - b.y;
      const dz = a.z - b.z;
      sum -= (a.mass * b.mass) / Math.sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return sum;
}

export function run(steps: i32): i32 {
  const bodies = start();
  for (let i = 0; i < steps; i++) {
    advance(bodies, 0.001);
  }
  const bits = reinterpret<u64>(energy(bodies));
  return <i32>(bits ^ (bits >> 32));
}
