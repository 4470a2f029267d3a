/** The questions at the end of a lesson. A wrong choice is said to be wrong and may be followed by another; the right one is explained. */
import { Check, X } from "lucide-react";
import { answeredRight } from "../lessons/index.ts";
import type { Lesson, Progress, Question } from "../lessons/index.ts";
import { useApp } from "./context.ts";
import { Prose } from "./prose.tsx";

export function LessonQuestions({ lesson, progress }: { lesson: Lesson; progress: Progress }) {
  return lesson.questions.map((question, index) => <Asked key={index} index={index} question={question} taken={progress.answers[index] ?? []} right={answeredRight(lesson, progress, index)} />);
}

function Asked({ index, question, taken, right }: { index: number; question: Question; taken: readonly number[]; right: boolean }) {
  const app = useApp();
  return (
    <fieldset className="question">
      <legend>
        <Prose text={question.text} />
      </legend>
      {question.choices.map((choice, number) => {
        const chosen = taken.includes(number);
        const isRight = number === question.right;
        return (
          <button
            key={choice}
            type="button"
            className={chosen ? (isRight ? "choice right" : "choice wrong") : "choice"}
            aria-pressed={chosen}
            aria-disabled={right || chosen}
            onClick={() => {
              if (!right && !chosen) app.lessons.answer(index, number);
            }}
          >
            <span className="choice-mark" aria-hidden="true">
              {chosen && (isRight ? <Check size={13} /> : <X size={13} />)}
            </span>
            <span>
              <Prose text={choice} />
              {chosen && !isRight && <span className="choice-word"> Not this one.</span>}
            </span>
          </button>
        );
      })}
      <p className="question-why" role="status">
        {right && <Prose text={`Right. ${question.why}`} />}
      </p>
    </fieldset>
  );
}
