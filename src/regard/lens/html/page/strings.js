// Every word of the page itself, in English and Korean.

const ENGLISH = {
  accuracyAll: "All weights are kept, to {step} of the row’s largest.",
  accuracySome:
    "Each row keeps its {largest} largest weights at most, to {step} of the row’s largest. The rest, which is summed, is {left} of this head’s attention (at most {worst} of a row).",
  allPatches: "all patches",
  atMost: "at most {weight}",
  byHead: "whole head",
  byRow: "each row",
  dark: "dark",
  auto: "auto",
  light: "light",
  close: "Close",
  elsewhere: "the rest",
  head: "Head",
  faithful:
    "Faithfulness: deleting the input as the map says leaves {deletion} of the answer, at random {atRandom} ± {spread}; inserting it brings {insertion}, at random {insertionAtRandom} ± {insertionSpread}.",
  faithfulMean: "Inputs: {inputs} ({data}). It is the mean over these and over heads, and not of this input.",
  faithfulNot:
    "Faithfulness was not measured: what was attended to need not be what the answer hangs on. For a model of Regard’s, this measures it: regard look faithfulness MODEL INPUT… --save",
  faithfulNothing: "Faithfulness cannot be measured: there is nothing that could be taken away.",
  faithfulRows:
    "Faithfulness cannot be measured: the rows are no answers of the model, so that there is none that could hang on them.",
  headNumber: "head {head}",
  heat: "Heat",
  input: "Input",
  helpTitle: "Keys",
  query: "query; keys below",
  vector: "vector",
  keyHeads: "Another head",
  keyLayers: "Another layer",
  keyMove: "Move: heads in the overview, words, patches, steps",
  keyFree: "Let go of the chosen word",
  keyOpen: "Open a head; play or pause",
  keyViews: "Another view",
  layer: "Layer",
  looksAt: "{query} looks at",
  lookedAtBy: "{key} is looked at by",
  lookedAt: "looked at",
  mapHint: "Point at a cell, or move with the arrow keys.",
  max: "max",
  mean: "mean",
  next: "Next word",
  pause: "Pause",
  place: "Place",
  play: "Play",
  previous: "Previous word",
  product: "query × key, by dimension",
  productHead: "The vectors belong to single heads. Choose one above.",
  productNote: "A score is the sum of a row of query × key. Vectors are rounded to 8 bits.",
  rowsLargest: "the row’s largest",
  scale: "Brightness by",
  score: "score",
  selectHint: "Point at a word, or choose one with the arrow keys.",
  size: "Cells",
  smaller: "Smaller cells",
  larger: "Larger cells",
  source: "Looked at",
  step: "Word {step} of {steps}",
  subtitleHeads: "{places} places · {heads} heads",
  subtitleTokens: "{queries} → {keys} tokens",
  subtitlePatches: "{rows} × {columns} patches",
  theme: "Colours",
  thumbnailNote: "Each head in its own brightness. Open one to see it large.",
  viewHeads: "Heads",
  viewLines: "Lines",
  viewMap: "Heat map",
  viewPicture: "Picture",
  viewProducts: "Query · key",
  viewSteps: "Step by step",
  views: "Views",
  distance: "Mean distance, positions",
  entropy: "Entropy, bits",
  figuresHint: "Point at a position, or move with the arrow keys.",
  figuresNote:
    "Received: each position’s share of all attention of the head. Entropy: 0 where one position takes all, {most} where all are looked at alike. Of the mean, what a position looks at is what the heads’ largest weights add up to.",
  largest: "Largest weight of a row",
  mostLookedAt: "Most looked at",
  received: "Attention received, by its square root",
  viewFigures: "Figures",
  weight: "weight",
  whoLooks: "who looks",
  words: "Written so far",
  zoom: "Zoom",
};

const KOREAN = {
  accuracyAll: "모든 가중치를 담았습니다 (행 최댓값의 {step} 단위).",
  accuracySome:
    "행마다 가장 큰 가중치를 최대 {largest}개까지 행 최댓값의 {step} 단위로 담았습니다. 나머지는 합으로만 남기며, 이 헤드 어텐션의 {left}입니다 (한 행에서 최대 {worst}).",
  allPatches: "모든 패치",
  atMost: "{weight} 이하",
  byHead: "헤드 전체",
  byRow: "행마다",
  dark: "어둡게",
  auto: "자동",
  light: "밝게",
  close: "닫기",
  elsewhere: "나머지",
  head: "헤드",
  faithful:
    "충실도: 지도 순서대로 입력을 지우면 답의 {deletion}가 남고 (무작위 {atRandom} ± {spread}), 넣으면 {insertion}가 돌아옵니다 (무작위 {insertionAtRandom} ± {insertionSpread}).",
  faithfulMean: "입력 {inputs}개({data})와 모든 헤드의 평균이며, 이 입력의 값은 아닙니다.",
  faithfulNot:
    "충실도는 재지 않았습니다: 주목한 것이 곧 답의 근거는 아닙니다. 이 라이브러리의 모델이라면 다음 명령으로 잽니다: regard look faithfulness MODEL INPUT… --save",
  faithfulNothing: "충실도를 잴 수 없습니다: 지울 수 있는 것이 없습니다.",
  faithfulRows: "충실도를 잴 수 없습니다: 행이 모델의 답이 아니어서, 이에 달린 답이 없습니다.",
  headNumber: "헤드 {head}",
  heat: "열지도",
  input: "입력",
  helpTitle: "단축키",
  query: "쿼리, 아래는 키",
  vector: "벡터",
  keyHeads: "다른 헤드",
  keyLayers: "다른 층",
  keyMove: "이동: 헤드, 단어, 패치, 단계",
  keyFree: "고른 단어 놓기",
  keyOpen: "헤드 열기, 재생과 멈춤",
  keyViews: "다른 보기",
  layer: "층",
  looksAt: "{query} → 보는 곳",
  lookedAtBy: "{key} ← 보는 쪽",
  lookedAt: "보이는 쪽",
  mapHint: "칸을 가리키거나 화살표 키로 움직이세요.",
  max: "최대",
  mean: "평균",
  next: "다음 단어",
  pause: "멈춤",
  place: "위치",
  play: "재생",
  previous: "이전 단어",
  product: "차원별 쿼리 × 키",
  productHead: "벡터는 헤드마다 다릅니다. 위에서 헤드 하나를 고르세요.",
  productNote: "점수는 쿼리 × 키 한 줄의 합입니다. 벡터는 8비트로 반올림했습니다.",
  rowsLargest: "행의 최댓값",
  scale: "밝기 기준",
  score: "점수",
  selectHint: "단어를 가리키거나 화살표 키로 고르세요.",
  size: "칸 크기",
  smaller: "칸 작게",
  larger: "칸 크게",
  source: "보이는 쪽",
  step: "{steps}개 중 {step}번째 단어",
  subtitleHeads: "위치 {places}곳 · 헤드 {heads}개",
  subtitleTokens: "토큰 {queries} → {keys}개",
  subtitlePatches: "패치 {rows} × {columns}",
  theme: "색",
  thumbnailNote: "밝기는 헤드마다 따로 맞춥니다. 헤드를 열면 크게 보입니다.",
  viewHeads: "헤드",
  viewLines: "선",
  viewMap: "열지도",
  viewPicture: "그림",
  viewProducts: "쿼리 · 키",
  viewSteps: "단계별",
  views: "보기",
  distance: "평균 거리 (자리 수)",
  entropy: "엔트로피 (비트)",
  figuresHint: "자리를 가리키거나 화살표 키로 움직이세요.",
  figuresNote:
    "받은 어텐션: 헤드의 어텐션 전체 가운데 그 자리의 몫. 엔트로피: 한 자리만 보면 0, 모두 고르게 보면 {most}. 평균에서 한 자리가 보는 곳은 헤드들의 가장 큰 가중치를 더한 것입니다.",
  largest: "행에서 가장 큰 가중치",
  mostLookedAt: "가장 많이 보인 곳",
  received: "받은 어텐션 (제곱근 높이)",
  viewFigures: "수치",
  weight: "가중치",
  whoLooks: "보는 쪽",
  words: "지금까지 쓴 글",
  zoom: "확대",
};

/** The language of the page: Korean where the browser asks for it, else English. */
export const language = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";

const TABLE = language === "ko" ? KOREAN : ENGLISH;

/**
 * A text in the reader's language.
 * @param {keyof ENGLISH} name
 * @param {Object<string, string|number>} [values] what stands in the braces
 * @returns {string}
 */
export function say(name, values = {}) {
  // Texts that are put in may hold braces of their own, so all are filled in at once.
  return TABLE[name].replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

/**
 * A weight in per cent, with two digits that matter.
 * @param {number} weight
 */
export function percent(weight) {
  const share = 100 * weight;
  if (share > 0 && share < 0.01) return "<\u20090.01\u2009%";
  const digits = share === 0 || share >= 99.95 ? 0 : share >= 10 ? 1 : 2;
  return `${share.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })}\u2009%`;
}
