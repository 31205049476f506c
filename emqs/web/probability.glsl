#uicontrol float threshold slider(min=0, max=1, default=0.5)
// A probability over an image: orange, weaker below the threshold, so that one sees what it would
// take to reach it.
void main() {
  float p = toNormalized(getDataValue());
  float reached = step(max(threshold, 0.002), p);
  emitRGBA(vec4(0.90, 0.62, 0.0, mix(0.28 * p / max(threshold, 0.05), 0.30 + 0.30 * p, reached)));
}
