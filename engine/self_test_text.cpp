#include "engine/self_test.h"

namespace foreword::engine {

// Written for this purpose: prose, talk, lists, numbers, code, a letter, and a little of other languages, so that the keys
// and values are those of everyday use. At four and a half bytes a token about 2,000 tokens.
std::string_view self_test_text() {
  return R"(The ferry left at ten past six, before the shops on the quay had opened, and the only other passenger was a woman with a
cello. She had bought two tickets, one for herself and one for the instrument, because the rules said that anything taller than a
child needed a seat. "It never complains about the weather," she told me, "which is more than I can say for my husband." We sat on
the lee side and watched the lights of the town grow small. An hour later the fog came down, the engine dropped to a murmur, and
the captain began to sound the horn every two minutes, as he was obliged to do.

I had promised my sister that I would write down what happened that summer, and I have put it off for eleven years. The trouble is
not that I have forgotten. The trouble is that I remember the small things too well: the smell of tar on the planks, the blue
enamel cup with the chip in its rim, the way the dog slept with one ear up. The large things, the ones that people ask about, are
harder. I know that the house was sold in August. I know who signed the papers. But when I try to see the room, there is only the
window, and rain on it, and somebody's voice saying that it was all for the best.

How to descale a kettle

Hard water leaves a white crust of calcium carbonate. It does no harm, but it makes the kettle slow and noisy. You need:

- half a litre of water,
- two tablespoons of citric acid, or the juice of three lemons,
- twenty minutes.

1. Fill the kettle with the water and bring it to the boil.
2. Switch it off, then add the acid slowly, for it will foam.
3. Wait until the crust has gone. Do not scrub: the coating scratches easily.
4. Pour the liquid away, rinse twice, boil a full kettle of fresh water, and throw that away too.

If you live where the water is very hard, do this once a month. Elsewhere twice a year is enough.

User: I have three meetings tomorrow and no idea what to say in the second one. Can you help?
Assistant: Gladly. What is the second meeting about, and who will be there?
User: It's the budget review. My manager, two people from finance, and someone new whose name I forgot.
Assistant: Then I would prepare three things: what you planned to spend, what you have spent so far, and one sentence about why the
two differ. Finance will ask about the third. If you send me the numbers, I can draft it.
User: Planned 48,000, spent 51,350. We had to replace the server in March, that was 4,200.
Assistant: So without the server you would be 850 under budget. Say it in that order: "We are 3,350 over. The server, which nobody
could plan, cost 4,200. Everything else came in 850 below." As for the name: ask the organiser today, it is less awkward.

def moving_average(values, width):
    """Means of `width` neighbours; shorter at the beginning."""
    total, window, means = 0.0, [], []
    for value in values:
        window.append(value)
        total += value
        if len(window) > width:
            total -= window.pop(0)
        means.append(total / len(window))
    return means

if __name__ == "__main__":
    temperatures = [12.5, 13.1, 11.8, 14.0, 15.2, 15.9, 13.3]
    for day, mean in enumerate(moving_average(temperatures, 3), start=1):
        print(f"day {day}: {mean:.2f}")

Dear Mrs Okafor,

thank you for your letter of 14 April. I am sorry that the parcel arrived damaged, and sorrier still that nobody answered your first
two messages. A replacement left our warehouse this morning; it should reach you by Friday. Please keep the broken vase or throw it
away, as you like: we do not need it back. I have also returned the 6.90 that you paid for delivery.

May I ask one favour? If the new box shows any sign of having been dropped, take a photograph before you open it. We have changed our
carrier twice in a year, and I would like to know whether the third one deserves our trust.

With kind regards,
Tomas Lindqvist

The moon does not fall because it is always falling. Throw a stone from a hill and it lands a little way off; throw it harder and it
lands further. Now imagine a throw so hard that the ground curves away beneath the stone as quickly as the stone drops. It would
come round and hit you in the back of the head, if the air let it. That is an orbit: a fall that keeps missing. What keeps the moon up
is not the absence of gravity but the presence of speed, about one kilometre a second, sideways.

Why, then, do astronauts float? Not because they are far away; at four hundred kilometres the pull is still nine tenths of what it is
on the ground. They float because they fall together with the cabin around them, like people in a lift whose cable has been cut, with
the difference that their lift never reaches the bottom.

| Month | Rain (mm) | Sunny hours |
|---|---|---|
| March | 61 | 118 |
| April | 48 | 163 |
| May | 55 | 201 |
| June | 72 | 187 |

Le marché se tient le samedi, sur la place derrière l'église. On y trouve du fromage, des abricots en saison, et un vieil homme qui
répare les montres sans jamais lever les yeux. Demandez-lui l'heure : il vous répondra qu'elle change tout le temps.

Am Abend wurde es still im Dorf. Der Bäcker stellte die Stühle hinein, die Kinder riefen noch einmal über den Zaun, und dann hörte
man nur den Bach. "Morgen wird es regnen", sagte Großvater, ohne zum Himmel zu sehen. Er hatte fast immer recht.

El tren llegó con cuarenta minutos de retraso. Nadie protestó, porque en aquella estación el bar era bueno y la sombra también.

"You cannot put that there," said the clerk.
"Why not?"
"Because that is where the other one goes."
"What other one?"
He looked at me for the first time. He had the patience of somebody who had explained this every day since the spring, and who no
longer hoped to be understood. "The one that comes on Thursdays," he said.
It was a Tuesday. I moved the crate.

The history of the pencil is a history of one mine. In the sixteenth century shepherds in the north of England found a black stone,
softer than lead and darker than coal, with which they marked their sheep. Cut into sticks and wrapped in string, it wrote on paper
without ink. For two hundred years there was no other deposit as pure, so that guards searched the miners at the end of each shift,
and the mine was flooded between seasons to keep thieves out. When war cut France off from it, an engineer mixed poor graphite with
clay, pressed the paste into rods, and fired them like pottery. More clay made a harder pencil, less a softer one. We still write
with his recipe, and still call the grey core "lead", which it never was.

To do before Saturday: ring the plumber again; find the blue folder; ask Ana whether she is bringing the twins (4 or 6 chairs?);
buy bread, olives, rice, something without nuts; print the tickets; charge the camera; water the tomatoes, not the cactus.

struct Point { double x, y; };

// Twice the signed area of the triangle: positive if c lies to the left of the line from a to b.
double turn(Point a, Point b, Point c) { return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x); }

std::vector<Point> hull(std::vector<Point> points) {
  std::sort(points.begin(), points.end(), [](Point a, Point b) { return a.x < b.x || (a.x == b.x && a.y < b.y); });
  std::vector<Point> edge;
  for (const Point& p : points) {
    while (edge.size() > 1 && turn(edge[edge.size() - 2], edge.back(), p) <= 0) edge.pop_back();
    edge.push_back(p);
  }
  return edge;  // the lower half; the upper one is found the same way from the right
}

On the ninth day we saw land. It was only a line at first, a pencil stroke under the cloud, and Marta would not believe it until the
birds came. They were small and grey and very many, and they sat on the rigging in a row and looked at us as if we were the ones who
needed explaining. Nobody cheered. We had rehearsed it so often in our heads that, when it came, all that anybody did was sit down.
Then the boy laughed, and that was the end of the silence: we all talked at once, about hot water and bread and letters, about who
would be waiting and who would not, and whether the dog would know us.

Question: A tank holds 240 litres. A tap fills it at 12 litres a minute while a leak loses 4. How long until it is full from empty?
Answer: The tank gains 12 - 4 = 8 litres a minute, and 240 / 8 = 30. It takes thirty minutes.
Question: And if the leak is found and closed after ten minutes?
Answer: After ten minutes there are 80 litres. The remaining 160 come in at 12 a minute, which takes 13 minutes and 20 seconds more; so
23 minutes and 20 seconds in all.

She closed the book, and the room was the same room as before. The clock had not moved much. Outside, somebody was trying to start a
car, giving up, trying again. It struck her that the people in the story would never know how it went on, since it did not go on;
they stood where the last sentence had left them, at the gate, with their hats in their hands. She thought of opening the book at
the first page, to let them walk up the road once more. Instead she put on her coat and went down to help push.

It took four of them, and a dog that barked at the exhaust. When the engine caught at last, nobody wanted to go back inside. They
stood about under the lamp, out of breath, telling each other about other cars in other winters; and the rain, which had been
waiting for its turn, began.
)";
}

}  // namespace foreword::engine
