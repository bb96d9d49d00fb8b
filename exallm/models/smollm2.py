"""SmolLM2-135M-Instruct as published, which examples in the prompt teach to answer briefly."""

from __future__ import annotations

FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_BYTES = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LICENCE = "Apache-2.0"

# The model was made for 8,192 tokens. The engine reserves its cache for a whole context, so the
# package asks for what passages need.
CONTEXT_LENGTH = 2048
MAX_NEW_TOKENS = 32

# A row's text is `Context: ...`, `Question: ...` and `Answer:` on lines of their own. Four short
# examples did best on 150 questions of SQuAD's training set (F1 35 as Q8_0); three did as well
# within chance, and longer examples, a line of instructions and the chat template did worse.
PROMPT_TEMPLATE = """\
Context: The Corvin bridge was opened in 1894 and carries about 12,000 cars a day.
Question: When was the Corvin bridge opened?
Answer: 1894

Context: The first map of the island was drawn by Ines Ferro, who sold it to the admiral Jan Dreyer.
Question: Who drew the first map of the island?
Answer: Ines Ferro

Context: The library was moved from Brno to Ostrava because of a flood.
Question: Why was the library moved?
Answer: a flood

Context: Copper from the mine was shipped to Hamburg, while most of the silver went to Lisbon.
Question: Where did most of the silver go?
Answer: Lisbon

{ctx}"""
STOP = ("\n",)
