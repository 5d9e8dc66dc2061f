"""Names to pick from, the frequent ones first."""

# script: share with a second given name, what stands between the two, share with a second family name
HABITS = {
    'latin': (.35, ' ', .7), 'french': (.1, '-', .1), 'cyrillic': (0, ' ', 0), 'arabic': (.2, ' ', .3), 'chinese': (.4, '', 0),
    'japanese': (0, '', 0), 'greek': (.1, ' ', .05), 'devanagari': (.1, ' ', 0),
}
NAMES = {
    'latin': {
        'f': '''María Ana Laura Carolina Lucía Sofía Valentina Camila Julieta Martina Florencia Agustina Paula Daniela Gabriela Silvia
            Patricia Claudia Marta Susana Graciela Mónica Adriana Alejandra Natalia Romina Verónica Mariana Cecilia Cristina Norma Elena
            Alicia Beatriz Rosa Teresa Juana Carmen Isabel Mercedes Victoria Catalina Emilia Josefina Ángela Noelia Ximena Zulema Abril
            Delfina Emma Mía Renata Antonella Micaela Rocío Yanina Lorena Andrea Viviana Liliana Estela Nélida Olga Irma Dora Elsa Haydée
            Ramona Pilar Inés Julia Clara Amanda Nora Débora Eva Iris Leonor Ludmila Magalí Marisol Miriam Nieves Paloma Raquel Rebeca
            Sabrina Tamara Úrsula Vanesa Yolanda'''.split(),
        'm': '''Juan José Carlos Luis Jorge Miguel Martín Diego Pablo Santiago Mateo Benjamín Joaquín Tomás Lucas Nicolás Facundo Agustín
            Matías Franco Bautista Felipe Lautaro Thiago Ignacio Federico Sebastián Gustavo Marcelo Daniel Eduardo Roberto Ricardo Héctor
            Oscar Raúl Alberto Ramón Julio Víctor Hugo Mario Sergio Fernando Alejandro Andrés Javier Cristian Leonardo Maximiliano Ezequiel
            Hernán Gonzalo Rodrigo Emiliano Germán Damián Esteban Guillermo Francisco Antonio Manuel Pedro Ángel Rafael Enrique Ernesto
            Alfredo Rubén Osvaldo Néstor Norberto Omar Abel Aníbal Baltasar César Darío Efraín Fabián Gaspar Horacio Iñaki Iván Joel Kevin
            Lisandro Marcos Nahuel Octavio Tobías Ulises Wálter'''.split(),
        'family': '''González Rodríguez Gómez Fernández López Díaz Martínez Pérez García Sánchez Romero Sosa Torres Álvarez Ruiz Ramírez
            Flores Benítez Acosta Medina Herrera Suárez Aguirre Giménez Gutiérrez Pereyra Rojas Molina Castro Ortiz Silva Núñez Luna Juárez
            Cabrera Ríos Morales Godoy Moreno Ferreyra Domínguez Carrizo Peralta Castillo Ledesma Quiroga Vega Vera Muñoz Ojeda Ponce
            Villalba Cardozo Navarro Coronel Vázquez Ramos Vargas Cáceres Arias Figueroa Córdoba Correa Maldonado Paz Rivero Miranda Mansilla
            Farías Roldán Méndez Guzmán Agüero Hernández Lucero Cruz Páez Escobar Mendoza Barrios Bustos Ávila Ayala Blanco Soria Maidana
            Leiva Duarte Moyano Campos Soto Martín Valdez Bravo Chávez Velázquez Olivera Toledo Franco Alonso Gallardo Ibarra Fuentes Aguilar
            Rossi Bianchi Ferrari Esposito Romano Colombo Ricci Marino Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo Lombardi Moretti
            Schmidt Müller Weber Wagner Becker Schneider Fischer Meyer Kowalski Nowak Zeballos Peña Iglesias Ibáñez Yáñez Echeverría
            Etcheverry Goñi Aguirrezabala Urquiza Irigoyen Zubizarreta Basualdo Cufré Quispe Mamani Condori Huanca Choque Flórez Zárate
            Zalazar Zamora Ybarra Windsor Urrutia Tevez Tapia Sarmiento Saavedra Rosales Reynoso Quinteros Pineda Oviedo Olmos Nieto Montiel
            Lezcano Insaurralde Heredia Galván Funes Espíndola Delgado Chamorro Bermúdez Arce Albornoz'''.split(),
    },
    'french': {
        'f': 'Marie Camille Léa Manon Chloé Zoë Françoise Hélène Maëlle Anaïs Éloïse Aurélie Céline Inès Margaux Noémie'.split(),
        'm': 'Jean Pierre Louis Gaël Benoît Loïc Rémy Jérôme François Étienne Théo Hugo Raphaël Gaëtan Clément'.split(),
        'family': '''Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Lefèvre D'Aubigné Müller-Œuvrard Le_Goff Béranger
            Gérard François Mercier Dupont Lambert Bonnet Châtelain'''.split(),
    },
    'cyrillic': {
        'f': 'Анна Мария Елена Ольга Наталья Татьяна Ирина Светлана Ксения Екатерина Дарья Юлия'.split(),
        'm': 'Александр Дмитрий Сергей Андрей Алексей Иван Пётр Фёдор Михаил Николай Владимир Артём'.split(),
        'family': '''Иванова Смирнова Кузнецова Попова Васильева Петрова Соколова Михайлова Новикова Щербак Королёв Достоевская Морозенко
            Волошин Лебединская Чайковская Шевченко Бондаренко'''.split(),
    },
    'arabic': {
        'f': 'فاطمة ليلى مريم عائشة زينب نور سارة هدى سلمى أمل'.split(),
        'm': 'محمد أحمد يوسف علي عمر حسن إبراهيم خالد مصطفى كريم'.split(),
        'family': 'المصري عبد_الله حداد حسن إبراهيم السيد عثمان خليل نصار منصور صالح الخطيب'.split(),
    },
    'chinese': {
        'f': list('丽婷娜静敏燕玲芳萍红梅秀英霞雪'),
        'm': list('伟强磊洋勇军杰涛超明刚平辉鹏国'),
        'family': '王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 林 高 欧阳 司马'.split(),
    },
    'japanese': {
        'f': '花子 さくら 美咲 陽菜 結衣 葵 凛 七海 由美子 恵子'.split(),
        'm': '太郎 健二 翔太 大輔 拓也 蓮 颯太 一郎 誠 浩'.split(),
        'family': '佐藤 鈴木 髙橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 斎藤'.split(),
    },
    'greek': {
        'f': 'Μαρία Ελένη Αικατερίνη Βασιλική Σοφία Αγγελική Γεωργία Δήμητρα'.split(),
        'm': 'Γιώργος Δημήτρης Κωνσταντίνος Γιάννης Νίκος Οδυσσέας Παναγιώτης Σπύρος'.split(),
        'family': 'Παπαδόπουλος Βλάχος Αγγελόπουλος Νικολάου Γεωργίου Καζαντζάκη Οικονόμου Παπαγεωργίου Καραγιάννης Δήμου'.split(),
    },
    'devanagari': {
        'f': 'प्रिया सीता अनीता सुनीता राधा कविता पूजा नेहा'.split(),
        'm': 'राहुल अर्जुन अमित राजेश संजय विकास अनिल सुरेश'.split(),
        'family': 'शर्मा कुमार सिंह गुप्ता वर्मा पटेल यादव मिश्रा जोशी अग्रवाल'.split(),
    },
}
COUNTRIES = {'AR': 'latin', 'FR': 'french', 'RU': 'cyrillic', 'EG': 'arabic', 'CN': 'chinese', 'JP': 'japanese', 'GR': 'greek',
             'IN': 'devanagari'}


def statements():
    """The tables that the persons are drawn from."""
    yield ('CREATE TABLE grow.script (script text, country text, two_given float8, blank text, two_families float8);'
           'CREATE TABLE grow.name (script text, kind text, place float8, value text, PRIMARY KEY (script, kind, place))')
    yield 'INSERT INTO grow.script VALUES ' + ', '.join(
        "('%s', '%s', %s, '%s', %s)" % (script, country, *HABITS[script]) for country, script in COUNTRIES.items())
    yield 'INSERT INTO grow.name VALUES ' + ', '.join(
        "('%s', '%s', %d, '%s')" % (script, kind, place, value.replace('_', ' ').replace("'", "''"))
        for script, kinds in NAMES.items() for kind, values in kinds.items() for place, value in enumerate(values))
    yield 'ANALYZE grow.name'
