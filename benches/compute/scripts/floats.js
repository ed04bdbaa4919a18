// Arithmetic on floats: five bodies under gravity.
function main() {
  const bodies = [];
  for (let i = 0; i < 5; i++) {
    bodies.push({ x: i * 1.5, y: i * 0.7 - 1, z: 2 - i, vx: 0.1 * i, vy: 0.2, vz: -0.05 * i, mass: 1 + i / 3 });
  }
  for (let step = 0; step < 300; step++) {
    for (let i = 0; i < bodies.length; i++) {
      const a = bodies[i];
      for (let j = i + 1; j < bodies.length; j++) {
        const b = bodies[j];
        const dx = a.x - b.x;
        const dy = a.y - b.y;
        const dz = a.z - b.z;
        const squared = dx * dx + dy * dy + dz * dz + 0.01;
        const magnitude = 0.01 / (squared * Math.sqrt(squared));
        a.vx -= dx * b.mass * magnitude;
        a.vy -= dy * b.mass * magnitude;
        a.vz -= dz * b.mass * magnitude;
        b.vx += dx * a.mass * magnitude;
        b.vy += dy * a.mass * magnitude;
        b.vz += dz * a.mass * magnitude;
      }
    }
    for (const body of bodies) {
      body.x += 0.01 * body.vx;
      body.y += 0.01 * body.vy;
      body.z += 0.01 * body.vz;
    }
  }
  return bodies.map((body) => body.x);
}
